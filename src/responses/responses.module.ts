import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { GenerationModule } from '../generation/generation.module.js';
import { BackgroundResponses } from './background-responses.js';
import { StoredResponse } from './stored-response.entity.js';
import { StoredResponses } from './stored-responses.service.js';
import { StoredResponsesRepository } from './stored-responses.repository.js';

/** The responses of /v1/responses that are kept, and those that are made in the background. */
@Module({
  imports: [TypeOrmModule.forFeature([StoredResponse]), AuthModule, GenerationModule],
  providers: [BackgroundResponses, StoredResponses, StoredResponsesRepository],
  exports: [BackgroundResponses, StoredResponses],
})
export class ResponsesModule {}
