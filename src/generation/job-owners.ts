import { Injectable } from '@nestjs/common';
import type { ModelReach } from '../auth/caller.js';
import { DomainError } from '../common/domain-error.js';
import { ownerOf, type Owner } from '../common/owner.js';
import type { ModelUser } from '../models/model-user.js';
import { UsersService } from '../users/users.service.js';

/** In whose name a job calls models, and with what. */
export interface JobOwner extends Owner {
  /** Of the credential that led to the job. Jobs of versions before this was written down have none: they spend no personal key. */
  readonly reach?: ModelReach;
}

/** Those in whose name jobs call models. */
@Injectable()
export class JobOwners {
  constructor(private readonly users: UsersService) {}

  /** @throws DomainError USER_SUSPENDED when they, or their tenant, may not do anything, or are gone */
  async require(owner: JobOwner): Promise<ModelUser> {
    const role = (await this.users.standing([owner.userId])).get(owner.userId);
    if (role === undefined) throw new DomainError('USER_SUSPENDED');
    const { reach = { isOwnersOwn: false, models: null } } = owner;
    return { ...ownerOf(owner), role, credential: { kind: 'job', ...reach } };
  }
}

/** Whether it is no use to try a job again: not as long as something is not changed that the job does not wait for. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof DomainError)) return false;
  return ['validation_error', 'permission_error', 'not_found_error'].includes(error.type);
}
