import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApiToken } from './api-token.entity.js';

@Module({ imports: [TypeOrmModule.forFeature([ApiToken])] })
export class TokensModule {}
