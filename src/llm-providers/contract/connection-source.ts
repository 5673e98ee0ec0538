import type { Connection } from './connection.js';

/** Where connections come from. Implemented by the models room, which knows configuration and tenants. */
export abstract class ConnectionSource {
  /** The enabled connections of a tenant in order of preference: the first one that has a model serves it. */
  abstract connections(tenantId: string): Promise<readonly Connection[]>;
}
