import { DataSource } from 'typeorm';
import { AuditEvent } from '../../src/audit/audit-event.entity.js';
import { AuditHead } from '../../src/audit/audit-head.entity.js';
import { AuditVerification } from '../../src/audit/audit-verification.service.js';
import { AuditRepository } from '../../src/audit/audit.repository.js';
import { AuditService } from '../../src/audit/audit.service.js';
import { SystemClock } from '../../src/common/clock.js';
import { dataSourceOptions } from '../../src/infrastructure/database/data-source-options.js';
import { Transactions } from '../../src/infrastructure/database/transactions.js';
import { Tenant } from '../../src/tenants/tenant.entity.js';
import { testConfiguration } from './test-configuration.js';

/** What one process has of the audit log. */
export interface AuditProcess {
  readonly dataSource: DataSource;
  readonly transactions: Transactions;
  readonly audit: AuditService;
  readonly verification: AuditVerification;
}

/** Connects to a migrated database; whoever starts it destroys the data source. */
export async function startAuditProcess(databaseUrl: string): Promise<AuditProcess> {
  const dataSource = new DataSource({
    ...dataSourceOptions(testConfiguration({ 'database.url': databaseUrl })),
    entities: [AuditEvent, AuditHead, Tenant],
  });
  await dataSource.initialize();
  const transactions = new Transactions(dataSource);
  const repository = new AuditRepository(dataSource.getRepository(AuditEvent));
  return {
    dataSource,
    transactions,
    audit: new AuditService(repository, transactions, new SystemClock()),
    verification: new AuditVerification(repository),
  };
}
