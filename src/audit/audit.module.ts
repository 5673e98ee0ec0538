import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditEvent } from './audit-event.entity.js';
import { AuditHead } from './audit-head.entity.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

/** Global: every room has something to record. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AuditEvent, AuditHead])],
  providers: [AuditService, AuditRepository],
  exports: [AuditService],
})
export class AuditModule {}
