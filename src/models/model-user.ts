import type { Caller } from '../auth/caller.js';

/** Who wants to use a model: whose aliases, keys and rights apply. */
export type ModelUser = Pick<Caller, 'tenantId' | 'userId' | 'role' | 'credential'>;
