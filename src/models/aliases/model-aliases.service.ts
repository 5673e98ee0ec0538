import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { differences } from '../../audit/differences.js';
import type { Caller } from '../../auth/caller.js';
import { isModelGranted } from '../../auth/granted-models.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Ids } from '../../common/ids.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import {
  changed,
  definitionOf,
  recorded,
  withChange,
  type AliasChange,
  type AliasScope,
  type NewAlias,
} from './alias-definition.js';
import { AliasNames } from './alias-names.js';
import { AliasRecords } from './alias-records.service.js';
import { AliasRules, taken } from './alias-rules.service.js';
import { KnownAliases } from './known-aliases.service.js';
import type { ModelAlias } from './model-alias.entity.js';
import { ModelAliasesRepository } from './model-aliases.repository.js';

/** How many there may be of one person, and of one tenant. */
const most: Readonly<Record<AliasScope, number>> = { personal: 100, tenant: 200 };

/**
 * Names for models of people's and tenants' own, as they make and change them. It takes effect on every replica within a second, and
 * is on record.
 */
@Injectable()
export class ModelAliases {
  constructor(
    private readonly aliases: ModelAliasesRepository,
    private readonly known: KnownAliases,
    private readonly rules: AliasRules,
    private readonly records: AliasRecords,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws DomainError FORBIDDEN, MODEL_NAME_TAKEN, MODEL_ALIASES_TOO_MANY, and as the rules of AliasRules say */
  async create(caller: Caller, { scope, name, kind, ...definition }: NewAlias): Promise<ModelAlias> {
    if (scope === 'tenant') refuseOthersThanAdmins(caller);
    const now = this.clock.now();
    const alias: ModelAlias = {
      id: this.ids.next(),
      tenantId: caller.tenantId,
      ownerId: scope === 'tenant' ? null : caller.userId,
      name,
      kind,
      ...changed(definition),
      createdBy: caller.userId,
      createdAt: now,
      updatedAt: now,
    };
    await this.rules.refuseModelName(caller, alias);
    const names = await this.known.namesOf(caller);
    await this.rules.refuseUnusable(caller, names, alias);
    await this.rules.refuseUnfit(caller, names, alias);
    return this.changing(caller, async (db) => {
      const [own, shared] = await this.all(caller, db);
      const siblings = scope === 'tenant' ? shared : own;
      if ([...siblings, ...shared].some((other) => other.name === name)) throw taken();
      if (siblings.length >= most[scope]) throw new DomainError('MODEL_ALIASES_TOO_MANY');
      this.rules.refuseLoops(new AliasNames(own, shared), alias);
      await this.aliases.insert(alias, db);
      await this.records.add(caller, alias, { action: 'model.alias_created', details: recorded(alias) }, db);
      return alias;
    });
  }

  /**
   * The alias that the name is of, for whoever may change it; undefined when the name is of none.
   * @throws DomainError FORBIDDEN for that of the tenant, to others than admins, MODEL_NOT_FOUND when the credential lacks the name
   */
  async findChangeable(caller: Caller, name: string): Promise<ModelAlias | undefined> {
    if (!isModelGranted(caller, name)) throw new DomainError('MODEL_NOT_FOUND');
    const alias = (await this.known.namesOf(caller)).find(name);
    if (alias?.ownerId === null) refuseOthersThanAdmins(caller);
    return alias;
  }

  /**
   * @returns the alias as it is then
   * @throws DomainError MODEL_NOT_FOUND when it is gone meanwhile, and as the rules of AliasRules say
   */
  async change(caller: Caller, alias: ModelAlias, change: AliasChange): Promise<ModelAlias> {
    const wanted = withChange(alias, change);
    const names = await this.known.namesOf(caller);
    // What does not touch the targets is possible while they are broken.
    if (change.targets !== undefined) await this.rules.refuseUnusable(caller, names, wanted);
    await this.rules.refuseUnfit(caller, names, wanted);
    return this.changing(caller, async (db) => {
      const [own, shared] = await this.all(caller, db);
      const before = [...own, ...shared].find(({ id }) => id === alias.id);
      if (before === undefined) throw new DomainError('MODEL_NOT_FOUND');
      const after = Object.assign(withChange(before, change), { updatedAt: this.clock.now() });
      if (change.targets !== undefined) this.rules.refuseLoops(new AliasNames(own, shared), after);
      if (differences({ ...definitionOf(before) }, { ...definitionOf(after) }) === undefined) {
        return before;
      }
      await this.aliases.replace(caller.tenantId, after, db);
      const details = { ...differences(recorded(before), recorded(after)) };
      await this.records.add(caller, after, { action: 'model.alias_changed', details }, db);
      return after;
    });
  }

  /** What leads to it is broken from then on, until something else has the name. To remove it once more changes nothing. */
  async remove(caller: Caller, alias: ModelAlias): Promise<void> {
    await this.changing(caller, async (db) => {
      const isGone = !(await this.aliases.remove(caller.tenantId, alias.id, db));
      if (isGone) return;
      await this.records.add(caller, alias, { action: 'model.alias_deleted', details: recorded(alias) }, db);
    });
  }

  private async all(caller: Caller, db: EntityManager): Promise<readonly [ModelAlias[], ModelAlias[]]> {
    return [await this.aliases.personal(caller, db), await this.aliases.shared(caller.tenantId, db)];
  }

  private async changing<Result>(
    caller: Caller,
    work: (db: EntityManager) => Promise<Result>,
  ): Promise<Result> {
    const result = await this.transactions.run(async (db) => {
      await this.aliases.lockAll(caller.tenantId, db);
      return work(db);
    });
    this.known.forget(caller);
    return result;
  }
}

function refuseOthersThanAdmins({ role }: Caller): void {
  if (role !== 'admin') throw new DomainError('FORBIDDEN');
}
