import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import type { Owner } from '../common/owner.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import { ShortCache } from '../infrastructure/events/short-cache.js';
import { UserDirectory, type UserDetails } from './user-directory.repository.js';

export type { UserDetails };

/** What there is to know of a user, for those who ask at every request: at most a second old, and no query within it. */
@Injectable()
export class CurrentUsers {
  private readonly current: ShortCache<UserDetails>;

  constructor(
    private readonly directory: UserDirectory,
    clock: Clock,
    notifications: Notifications,
  ) {
    this.current = new ShortCache(clock, notifications);
  }

  /** @throws DomainError USER_NOT_FOUND */
  async get(owner: Owner): Promise<UserDetails> {
    const user = await this.current.get(keyOf(owner), () => this.directory.findDetails(owner));
    if (user === undefined) throw new DomainError('USER_NOT_FOUND');
    return user;
  }

  /** After a change is committed: whoever made it sees it with their next request here, before word of it is back. */
  forget(owner: Owner): void {
    this.current.forget(keyOf(owner));
  }
}

function keyOf({ tenantId, userId }: Owner): string {
  return `${tenantId} ${userId}`;
}
