import { writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DataSource } from 'typeorm';
import { AuditEvent } from '../../src/audit/audit-event.entity.js';
import { AuditHead } from '../../src/audit/audit-head.entity.js';
import { AuditVerification } from '../../src/audit/audit-verification.service.js';
import { AuditRepository } from '../../src/audit/audit.repository.js';
import { AuditService } from '../../src/audit/audit.service.js';
import { SystemClock } from '../../src/common/clock.js';
import { UuidV7Ids } from '../../src/common/ids.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { dataSourceOptions } from '../../src/infrastructure/database/data-source-options.js';
import { Transactions } from '../../src/infrastructure/database/transactions.js';
import { Log } from '../../src/infrastructure/logging/log.js';
import { DataKeys } from '../../src/secrets/data-keys.js';
import { configuredWrappers } from '../../src/secrets/key-wrappers/configured-wrappers.js';
import type { KeyWrappers } from '../../src/secrets/key-wrappers/key-wrappers.js';
import { SealedSecret } from '../../src/secrets/sealed-secret.entity.js';
import { SealedSecretsRepository } from '../../src/secrets/sealed-secrets.repository.js';
import { SecretRotation } from '../../src/secrets/secret-rotation.service.js';
import { Secrets, type SecretBinding } from '../../src/secrets/secrets.service.js';
import { Tenant } from '../../src/tenants/tenant.entity.js';
import { localOutbound } from './local-outbound.js';
import { testConfiguration } from './test-configuration.js';

/** What one process has of the secrets room. Whoever starts it destroys the data source. */
export interface SecretsProcess {
  readonly dataSource: DataSource;
  readonly secrets: Secrets;
  readonly rotation: SecretRotation;
  readonly verification: AuditVerification;
  /** Seals and inserts. @returns the id */
  store(binding: SecretBinding, text: string): Promise<string>;
}

/** @param wrappers instead of those that the settings name */
export async function startSecretsProcess(
  settings: EmbeddedValues,
  wrappers?: KeyWrappers,
): Promise<SecretsProcess> {
  const config = testConfiguration(settings);
  const dataSource = new DataSource({
    ...dataSourceOptions(config),
    entities: [SealedSecret, AuditEvent, AuditHead, Tenant],
  });
  await dataSource.initialize();
  const log = new Log(config);
  const clock = new SystemClock();
  const asked = wrappers ?? (await configuredWrappers(config, localOutbound, log));
  const repository = new SealedSecretsRepository(dataSource.getRepository(SealedSecret));
  const transactions = new Transactions(dataSource);
  const events = new AuditRepository(dataSource.getRepository(AuditEvent));
  const audit = new AuditService(events, transactions, clock);
  const secrets = new Secrets(asked, new DataKeys(asked, clock), repository, new UuidV7Ids(), clock);
  return {
    dataSource,
    secrets,
    rotation: new SecretRotation(asked, repository, transactions, audit, clock, log),
    verification: new AuditVerification(events),
    store: async (binding, text) => {
      const sealed = await secrets.seal(binding, text);
      await secrets.insert(sealed, dataSource.manager);
      return sealed.id;
    },
  };
}

/** A path for a key file, in a directory of its own. */
export async function makeKeyFilePath(): Promise<string> {
  return path.join(await mkdtemp(path.join(tmpdir(), 'parley-keys-')), 'keys');
}

/** Writes keys that are made from their ids, in this order. */
export function writeKeyFile(file: string, ids: readonly string[]): void {
  const line = (id: string): string => `${id} ${Buffer.alloc(32, id).toString('base64')}\n`;
  writeFileSync(file, ids.map(line).join(''), { mode: 0o600 });
}
