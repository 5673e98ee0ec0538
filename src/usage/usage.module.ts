import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { BudgetSpending } from './budget-spending.entity.js';
import { Metering } from './metering.service.js';
import { OpenCall } from './open-call.entity.js';
import { UsageRecordRow } from './usage-record.entity.js';
import { UsageReportRepository } from './usage-report.repository.js';
import { UsageReports } from './usage-reports.service.js';
import { UsageRollup } from './usage-rollup.entity.js';
import { UsageRollups } from './usage-rollups.js';
import { UsageRollupsRepository } from './usage-rollups.repository.js';
import { UsageController } from './usage.controller.js';
import { UsageRepository } from './usage.repository.js';

/** What was used, and what of it is left. */
@Module({
  imports: [TypeOrmModule.forFeature([BudgetSpending, OpenCall, UsageRecordRow, UsageRollup]), AuthModule],
  controllers: [UsageController],
  providers: [
    Metering,
    UsageReportRepository,
    UsageReports,
    UsageRepository,
    UsageRollups,
    UsageRollupsRepository,
  ],
  exports: [Metering],
})
export class UsageModule {}
