import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { ShortCache } from '../../infrastructure/events/short-cache.js';
import { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import type { AvailableModel, OverriddenFields } from './catalogue-model.js';
import { mergeModel } from './merge-model.js';
import { ModelOverridesRepository } from './model-overrides.repository.js';

/** The models of each tenant. Knows nobody's rights: see ModelAccess. */
@Injectable()
export class Catalogue {
  private readonly lists: ShortCache<readonly AvailableModel[]>;
  private readonly overrides: ShortCache<ReadonlyMap<string, OverriddenFields>>;

  constructor(
    private readonly registry: ProviderRegistry,
    private readonly repository: ModelOverridesRepository,
    clock: Clock,
    notifications: Notifications,
  ) {
    this.lists = new ShortCache(clock, notifications, 'models');
    this.overrides = new ShortCache(clock, notifications, 'models');
  }

  /**
   * Every model, once each: where several connections have it, of the first. Without those of a connection that cannot be asked at
   * the moment.
   */
  async models(tenantId: string): Promise<readonly AvailableModel[]> {
    const models = await this.lists.get(tenantId, () => this.merged(tenantId));
    return models ?? [];
  }

  /**
   * Where to call a model; undefined when no connection has it.
   * @param connectionId the connection that is to be asked; the first that has the model when undefined
   * @throws ProviderError when none has it, but some connection could not be asked
   */
  async find(tenantId: string, modelId: string, connectionId?: string): Promise<AvailableModel | undefined> {
    const [found, overrides] = await Promise.all([
      this.registry.resolve(tenantId, modelId, connectionId),
      this.overrides.get(tenantId, () => this.repository.all(tenantId)),
    ]);
    return found === undefined ? undefined : mergeModel(found, overrides?.get(modelId));
  }

  /** After a change of overrides is committed: whoever made it sees it with their next request here. */
  forget(tenantId: string): void {
    this.lists.forget(tenantId);
    this.overrides.forget(tenantId);
  }

  private async merged(tenantId: string): Promise<readonly AvailableModel[]> {
    const [available, overrides] = await Promise.all([
      this.registry.available(tenantId),
      this.repository.all(tenantId),
    ]);
    return available.map((found) => mergeModel(found, overrides.get(found.model.id)));
  }
}
