import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { JobsModule } from '../infrastructure/jobs/jobs.module.js';
import { RedisModule } from '../infrastructure/redis/redis.module.js';
import { ModelsModule } from '../models/models.module.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { ProbesController } from './probes.controller.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), JobsModule, ModelsModule, RedisModule],
  controllers: [HealthController, ProbesController],
  providers: [HealthService],
})
export class HealthModule {}
