import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditEvent } from './audit-event.entity.js';
import { AuditHead } from './audit-head.entity.js';
import { AuditVerification } from './audit-verification.service.js';
import { AuditController } from './audit.controller.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

/** Global: every room has something to record. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AuditEvent, AuditHead])],
  controllers: [AuditController],
  providers: [AuditService, AuditRepository, AuditVerification],
  exports: [AuditService],
})
export class AuditModule {}
