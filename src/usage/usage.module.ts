import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BudgetSpending } from './budget-spending.entity.js';
import { Metering } from './metering.service.js';
import { OpenCall } from './open-call.entity.js';
import { UsageRecordRow } from './usage-record.entity.js';
import { UsageRepository } from './usage.repository.js';

/** What was used, and what of it is left. */
@Module({
  imports: [TypeOrmModule.forFeature([BudgetSpending, OpenCall, UsageRecordRow])],
  providers: [Metering, UsageRepository],
  exports: [Metering],
})
export class UsageModule {}
