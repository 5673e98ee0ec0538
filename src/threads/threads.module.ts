import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ThreadDeletion } from './thread-deletion.js';
import { ThreadModel } from './thread-model.entity.js';
import { Thread } from './thread.entity.js';
import { ThreadsController } from './threads.controller.js';
import { ThreadsRepository } from './threads.repository.js';
import { ThreadsService } from './threads.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Thread, ThreadModel])],
  controllers: [ThreadsController],
  providers: [ThreadsService, ThreadsRepository, ThreadDeletion],
  exports: [ThreadsService, ThreadDeletion],
})
export class ThreadsModule {}
