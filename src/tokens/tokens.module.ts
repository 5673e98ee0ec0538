import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RightsModule } from '../auth/rights.module.js';
import { UsersModule } from '../users/users.module.js';
import { ApiToken } from './api-token.entity.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { TokenAuthentication } from './token-authentication.service.js';
import { TokenOwners } from './token-owners.service.js';
import { TokenRecords } from './token-records.service.js';
import { TokenRules } from './token-rules.service.js';
import { TokenUses } from './token-uses.service.js';
import { TokensController } from './tokens.controller.js';
import { TokensService } from './tokens.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([ApiToken]), RightsModule, UsersModule],
  controllers: [TokensController],
  providers: [
    ApiTokensRepository,
    TokenAuthentication,
    TokenOwners,
    TokenRecords,
    TokenRules,
    TokensService,
    TokenUses,
  ],
  exports: [TokenAuthentication],
})
export class TokensModule {}
