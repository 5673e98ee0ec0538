import { DomainError } from '../../common/domain-error.js';
import { fromWireId } from '../../common/ids.js';
import type { ConnectionTimeouts } from '../../llm-providers/contract/connection.js';
import type { ConnectionWithTenants } from './connections.repository.js';
import type { NewSecrets, SealedSecrets } from './connection-secrets.service.js';
import { isSameDestination } from './destinations.js';
import type { ConnectionRow } from './stored-connection.entity.js';

/** What is left out stays as it is. Headers, timeouts and options take the place of all that are there. */
export interface ConnectionChange extends NewSecrets {
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** Tenants that may use it too, by their ids on the wire. */
  readonly tenants?: 'all' | readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
  readonly timeouts?: Partial<ConnectionTimeouts> | undefined;
  readonly personalKeys?: ConnectionRow['personalKeys'] | undefined;
  readonly models?: readonly string[] | null | undefined;
  readonly options?: ConnectionRow['options'] | undefined;
}

export interface NewConnection extends ConnectionChange {
  readonly kind: ConnectionRow['kind'];
  readonly name: string;
  readonly baseUrl: string;
}

/**
 * The ids of the tenants.
 * @throws DomainError TENANT_NOT_FOUND for an id that can be none's
 */
export function tenantIdsOf(tenants: ConnectionChange['tenants']): string[] | undefined {
  if (tenants === undefined) return undefined;
  if (tenants === 'all') return [];
  return tenants.map((wireId) => {
    const id = fromWireId('tenant', wireId);
    if (id === undefined) throw new DomainError('TENANT_NOT_FOUND', { param: 'tenants' });
    return id;
  });
}

/** The columns that a change sets, but for secrets. */
export function columnsOf(change: ConnectionChange): Partial<ConnectionRow> {
  const { name, baseUrl, enabled, personalKeys, models, options, timeouts, tenants } = change;
  return defined({
    ...{ name, baseUrl, enabled, personalKeys, options },
    timeouts: timeouts === undefined ? undefined : defined(timeouts),
    models: models === undefined || models === null ? models : [...models],
    sharedWithAll: tenants === undefined ? undefined : tenants === 'all',
  });
}

/** Without what is undefined, and of no class. */
function defined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ReturnType<typeof defined<Fields>>; // The same keys and values.
}

/** What a change does to the stored secrets, and to what was learnt with them. */
export interface SecretsChange {
  readonly columns: Partial<ConnectionRow>;
  /** What takes their place, or nothing does. */
  readonly removed: readonly (string | null)[];
  /** For the audit log. */
  readonly summary: Readonly<Record<string, unknown>>;
}

/**
 * Secrets were given for one destination: where the base URL leads to another one, those go that do not come anew with it, and
 * with them what was known of the vendor.
 */
export function secretsChange(
  row: ConnectionRow,
  change: ConnectionChange,
  sealed: SealedSecrets,
  now: Date,
): SecretsChange {
  const moves = change.baseUrl !== undefined && !isSameDestination(change.baseUrl, row.baseUrl);
  const setsCredential = change.credential !== undefined || (moves && row.credentialId !== null);
  const setsHeaders = change.headers !== undefined || (moves && row.headersId !== null);
  const credential = {
    credentialId: sealed.credential?.id ?? null,
    credentialSetAt: sealed.credential === undefined ? null : now,
  };
  const headers = {
    headersId: sealed.headers?.id ?? null,
    headerNames: Object.keys(change.headers ?? {}),
  };
  const unverified = { verifiedAt: null, failureCode: null };
  const unknown = { knownModels: null, syncedAt: null };
  return {
    columns: {
      ...(setsCredential ? credential : {}),
      ...(setsHeaders ? headers : {}),
      ...(setsCredential || setsHeaders || moves ? unverified : {}),
      ...(moves ? unknown : {}),
    },
    removed: [setsCredential ? row.credentialId : null, setsHeaders ? row.headersId : null],
    summary: {
      ...(setsCredential ? { credential: sealed.credential === undefined ? 'removed' : 'set' } : {}),
      ...(setsHeaders ? { headers: headers.headerNames } : {}),
    },
  };
}

/**
 * Secrets are sent to the address that whoever gave them has seen.
 * @param seen as it was when the change was asked for
 * @throws DomainError CONNECTION_CHANGED
 */
export function refuseUnseenAddress(
  seen: ConnectionRow,
  now: ConnectionRow,
  { baseUrl }: ConnectionChange,
  { credential, headers }: SealedSecrets,
): void {
  const bringsSecrets = credential !== undefined || headers !== undefined;
  if (bringsSecrets && baseUrl === undefined && !isSameDestination(seen.baseUrl, now.baseUrl)) {
    throw new DomainError('CONNECTION_CHANGED');
  }
}

/**
 * The organisation's headers do not go along with the key of a person: one of them might pay, and make any key look good.
 * @throws DomainError CONNECTION_HEADERS_WITH_PERSONAL_KEYS
 */
export function refuseHeadersWithPersonalKeys(row: ConnectionRow, change: ConnectionChange): void {
  if (row.personalKeys === 'none' || row.headerNames.length === 0) return;
  const param = change.headers === undefined ? 'personalKeys' : 'headers';
  // Whoever changes neither does not make it so.
  if (change[param] !== undefined) throw new DomainError('CONNECTION_HEADERS_WITH_PERSONAL_KEYS', { param });
}

/** Of a connection, what the audit log may tell. */
export function auditable({ row, tenantIds }: ConnectionWithTenants): Readonly<Record<string, unknown>> {
  const { name, baseUrl, enabled, personalKeys, models, options, timeouts, sharedWithAll } = row;
  return {
    ...{ name, baseUrl, enabled, personalKeys, models, options, timeouts },
    ...{ sharedWithAll, tenantIds: [...tenantIds].sort() },
  };
}
