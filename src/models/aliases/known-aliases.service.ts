import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import type { Owner } from '../../common/owner.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { ShortCache } from '../../infrastructure/events/short-cache.js';
import { AliasNames } from './alias-names.js';
import type { ModelAlias } from './model-alias.entity.js';
import { ModelAliasesRepository } from './model-aliases.repository.js';

/** Everybody's names for models, for those who ask at every request: at most a second old, and no query within it. */
@Injectable()
export class KnownAliases {
  private readonly personal: ShortCache<readonly ModelAlias[]>;
  private readonly shared: ShortCache<readonly ModelAlias[]>;

  constructor(
    private readonly aliases: ModelAliasesRepository,
    clock: Clock,
    notifications: Notifications,
  ) {
    this.personal = new ShortCache(clock, notifications, 'models');
    this.shared = new ShortCache(clock, notifications, 'models');
  }

  async namesOf(owner: Owner): Promise<AliasNames> {
    const [own, shared] = await Promise.all([
      this.personal.get(keyOf(owner), () => this.aliases.personal(owner)),
      this.shared.get(owner.tenantId, () => this.aliases.shared(owner.tenantId)),
    ]);
    return new AliasNames(own ?? [], shared ?? []);
  }

  /** After a change is committed: whoever made it sees it with their next request here, before word of it is back. */
  forget(owner: Owner): void {
    this.personal.forget(keyOf(owner));
    this.shared.forget(owner.tenantId);
  }
}

function keyOf({ tenantId, userId }: Owner): string {
  return `${tenantId} ${userId}`;
}
