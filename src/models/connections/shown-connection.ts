import { toWireId } from '../../common/ids.js';
import type { Connection, ConnectionTimeouts } from '../../llm-providers/contract/connection.js';
import type { ProviderKind } from '../../llm-providers/contract/provider-kind.js';
import type { ConnectionWithTenants } from './connections.repository.js';
import type { PersonalKeyRule } from './personal-key-rule.js';

/** A connection as admins may see it: no secret, nor any part of one. */
export interface ShownConnection {
  /** On the wire. */
  readonly id: string;
  readonly kind: ProviderKind;
  readonly name: string;
  /** Made by settings, which alone change it. */
  readonly isConfigured: boolean;
  /** Null for admins who did not make it and do not run the installation. */
  readonly baseUrl: string | null;
  readonly credential: {
    readonly configured: boolean;
    readonly setAt: Date | null;
    /** Whether what is stored, headers included, can be decrypted; the connection is not used otherwise. */
    readonly readable: boolean;
  };
  readonly headerNames: readonly string[];
  /** Who may use it beside those who see it. */
  readonly tenants: 'all' | readonly string[];
  readonly enabled: boolean;
  readonly timeouts: ConnectionTimeouts;
  readonly personalKeys: PersonalKeyRule;
  readonly models: readonly string[] | null;
  readonly options: NonNullable<Connection['options']>;
  readonly syncedAt: Date | null;
  readonly verifiedAt: Date | null;
  readonly failureCode: string | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

export function shownFromSettings(connection: Connection, showsAddress: boolean): ShownConnection {
  const { id, kind, name, baseUrl, credential, timeouts, personalKeys, models, options } = connection;
  return {
    ...{ id, kind, name, isConfigured: true, timeouts },
    baseUrl: showsAddress ? baseUrl : null,
    credential: { configured: credential !== undefined, setAt: null, readable: true },
    headerNames: [],
    tenants: 'all',
    enabled: true,
    personalKeys: personalKeys ?? 'none',
    models: models ?? null,
    options: options ?? {},
    ...{ syncedAt: null, verifiedAt: null, failureCode: null, createdAt: null, updatedAt: null },
  };
}

export function shownFromRow(
  { row, tenantIds }: ConnectionWithTenants,
  isReadable: boolean,
  defaults: ConnectionTimeouts,
): ShownConnection {
  return {
    ...row,
    id: toWireId('connection', row.id),
    isConfigured: false,
    credential: { configured: row.credentialId !== null, setAt: row.credentialSetAt, readable: isReadable },
    tenants: row.sharedWithAll ? 'all' : tenantIds.map((id) => toWireId('tenant', id)),
    timeouts: { ...defaults, ...row.timeouts },
  };
}
