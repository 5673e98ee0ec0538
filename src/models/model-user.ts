import type { Caller, JobCredential } from '../auth/caller.js';

/** Who wants to use a model: whose aliases, keys and rights apply. */
export interface ModelUser extends Pick<Caller, 'tenantId' | 'userId' | 'role'> {
  readonly credential: Caller['credential'] | JobCredential;
}
