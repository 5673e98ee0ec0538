import { Injectable } from '@nestjs/common';
import { isModelGranted } from '../../auth/granted-models.js';
import type { ModelUser } from '../model-user.js';
import { AliasTargets, type LookUps, type ReachedTargets } from './alias-targets.service.js';
import { KnownAliases } from './known-aliases.service.js';
import type { ModelAlias } from './model-alias.entity.js';

/** An alias or a router as somebody sees it. */
export interface AliasView {
  readonly alias: ModelAlias;
  readonly reached: ReachedTargets;
  /** They see where it leads and what it fills in, too. */
  readonly mayChange: boolean;
}

/** The names for models that somebody can use, besides those of the models. */
@Injectable()
export class AliasViews {
  constructor(
    private readonly known: KnownAliases,
    private readonly aliasTargets: AliasTargets,
  ) {}

  /** The own ones first, then those of the tenant, each by name. */
  async list(user: ModelUser): Promise<AliasView[]> {
    const names = await this.known.namesOf(user);
    const lookUps: LookUps = new Map();
    const visible = names.all().filter(({ name }) => isModelGranted(user, name));
    return Promise.all(
      visible.map(async (alias) =>
        view(user, alias, await this.aliasTargets.reach(user, names, alias, lookUps)),
      ),
    );
  }

  /** Undefined when the name is of none. */
  async find(user: ModelUser, name: string): Promise<AliasView | undefined> {
    const alias = (await this.known.namesOf(user)).find(name);
    return alias === undefined || !isModelGranted(user, name) ? undefined : this.of(user, alias);
  }

  /** One that they made or changed, be it included in their credential or not. */
  async of(user: ModelUser, alias: ModelAlias): Promise<AliasView> {
    const names = await this.known.namesOf(user);
    return view(user, alias, await this.aliasTargets.reach(user, names, alias));
  }
}

function view({ role }: ModelUser, alias: ModelAlias, reached: ReachedTargets): AliasView {
  return { alias, reached, mayChange: alias.ownerId !== null || role === 'admin' };
}
