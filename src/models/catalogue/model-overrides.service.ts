import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { differences } from '../../audit/differences.js';
import type { AuditAction } from '../../audit/audit-actions.js';
import type { Caller } from '../../auth/caller.js';
import { isModelGranted } from '../../auth/granted-models.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { Catalogue } from './catalogue.service.js';
import { overridableFields, type AvailableModel, type OverriddenFields } from './catalogue-model.js';
import { ModelOverridesRepository } from './model-overrides.repository.js';

/** What an admin wants to be said of a model: null for what vendor and curated table say, undefined for as it is. */
export type OverrideChange = {
  readonly [Field in keyof OverriddenFields]: OverriddenFields[Field] | null | undefined;
};

/** What admins say of the models of their tenant. It stays when the model goes, and applies when it is there again. */
@Injectable()
export class ModelOverrides {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly overrides: ModelOverridesRepository,
    private readonly transactions: Transactions,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /**
   * Bites within a second on every replica.
   * @returns the model as it is then
   * @throws DomainError MODEL_NOT_FOUND, API_KEY_RULE_CONFLICT
   */
  async change(caller: Caller, modelId: string, change: OverrideChange): Promise<AvailableModel> {
    refuseOthers(caller, modelId);
    refuseUnmeetableKeyRule(await this.existing(caller, modelId), change);
    await this.replace(caller, modelId, 'model.overridden', (before) => merge(before, change));
    return this.existing(caller, modelId);
  }

  /**
   * Takes back whatever is said of a model; nothing to take back is no failure.
   * @throws DomainError MODEL_NOT_FOUND when there is neither the model nor anything said of it
   */
  async reset(caller: Caller, modelId: string): Promise<void> {
    refuseOthers(caller, modelId);
    const wasSaid = await this.replace(caller, modelId, 'model.reset', () => ({}));
    if (!wasSaid) await this.existing(caller, modelId);
  }

  private async existing({ tenantId }: Caller, modelId: string): Promise<AvailableModel> {
    const models = await this.catalogue.models(tenantId);
    const found = models.find(({ model }) => model.id === modelId);
    if (found === undefined) throw new DomainError('MODEL_NOT_FOUND');
    return found;
  }

  /** Whether that changed anything. */
  private async replace(
    { tenantId }: Caller,
    modelId: string,
    action: AuditAction,
    change: (before: OverriddenFields) => OverriddenFields,
  ): Promise<boolean> {
    const isNews = await this.transactions.run(async (db) => {
      const before = (await this.overrides.lock(tenantId, modelId, db)) ?? {};
      const after = change(before);
      const news = differences(everyField(before), everyField(after));
      if (news === undefined) return false;
      const isEmpty = Object.keys(after).length === 0;
      if (isEmpty) await this.overrides.remove(tenantId, modelId, db);
      else await this.overrides.put(tenantId, { modelId, fields: after, updatedAt: this.clock.now() }, db);
      await this.notifications.announce('models', db);
      const target = { kind: 'model', id: modelId };
      await this.audit.record({ tenantId, action, target, details: { ...news } }, db);
      return true;
    });
    this.catalogue.forget(tenantId);
    return isNews;
  }
}

/** For others than admins there is no model to change. */
function refuseOthers(caller: Caller, modelId: string): void {
  const may = caller.role === 'admin' && isModelGranted(caller, modelId);
  if (!may) throw new DomainError('MODEL_NOT_FOUND');
}

/** That a key is needed where nobody can give one, or that none is where everybody has to. */
function refuseUnmeetableKeyRule({ connection }: AvailableModel, { apiKeyRequired }: OverrideChange): void {
  const { personalKeys: rule } = connection;
  const isUnmeetable = apiKeyRequired === true ? rule === undefined : rule === 'required';
  if (typeof apiKeyRequired === 'boolean' && isUnmeetable) {
    throw new DomainError('API_KEY_RULE_CONFLICT', { param: 'apiKeyRequired' });
  }
}

function merge(before: OverriddenFields, change: OverrideChange): OverriddenFields {
  const wanted = Object.entries(change).filter(([, value]) => value !== undefined);
  const after = new Map<string, unknown>([...Object.entries(before), ...wanted]);
  return Object.fromEntries(
    [...after].filter(([, value]) => value !== null).map(([field, value]) => [field, plain(value)]),
  );
}

/** As it will be read again: an instance of a class differs from that, whatever it holds. */
function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : value;
}

/** Null where nothing is said, so that taking something back is a difference too. */
function everyField(fields: OverriddenFields): Readonly<Record<string, unknown>> {
  return Object.fromEntries(overridableFields.map((field) => [field, fields[field] ?? null]));
}
