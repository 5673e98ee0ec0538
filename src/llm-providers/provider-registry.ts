import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Connection, ProviderKind } from './contract/connection.js';
import { ConnectionSource } from './contract/connection-source.js';
import type { ModelInfo } from './contract/model-info.js';
import type { ModelProvider } from './contract/model-provider.js';
import { ProviderError } from './contract/provider-error.js';
import { ModelLists, type Reachability } from './model-lists.js';

export type { Reachability };

/** Injection token of the adapters, one for each kind. */
export const modelProviders = Symbol('modelProviders');

/** Everything that it takes to call a model. */
export interface ResolvedModel {
  readonly provider: ModelProvider;
  readonly connection: Connection;
  readonly model: ModelInfo;
}

/** Knows the adapters, and which connection of a tenant has which model. */
@Injectable()
export class ProviderRegistry implements OnApplicationShutdown {
  private readonly providers: ReadonlyMap<ProviderKind, ModelProvider>;
  private readonly lists: ModelLists;

  constructor(
    @Inject(modelProviders) providers: readonly ModelProvider[],
    private readonly connectionSource: ConnectionSource,
    clock: Clock,
  ) {
    this.providers = new Map(providers.map((provider) => [provider.kind, provider]));
    this.lists = new ModelLists(clock);
  }

  provider(kind: ProviderKind): ModelProvider {
    const provider = this.providers.get(kind);
    if (provider === undefined) throw new Error(`There is no adapter for the provider kind ${kind}.`);
    return provider;
  }

  /**
   * Where to call a model: the first connection of the tenant that has it; undefined when none has.
   * @throws ProviderError when none has it, but some connection could not be asked.
   */
  async resolve(tenantId: string, modelId: string): Promise<ResolvedModel | undefined> {
    let failure: ProviderError | undefined;
    for (const connection of await this.connectionSource.connections(tenantId)) {
      const provider = this.provider(connection.kind);
      const listed = await this.lists.of(connection, provider);
      const model = listed.models.find(({ id }) => id === modelId);
      if (model !== undefined) return { provider, connection, model };
      failure ??= listed.failure;
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  /** Every model of a tenant, once each; without those of a connection that cannot be asked at the moment. */
  async models(tenantId: string): Promise<readonly ModelInfo[]> {
    const connections = await this.connectionSource.connections(tenantId);
    const lists = await Promise.all(
      connections.map((connection) => this.lists.of(connection, this.provider(connection.kind))),
    );
    const byId = new Map<string, ModelInfo>();
    for (const model of lists.flatMap(({ models }) => models)) {
      if (!byId.has(model.id)) byId.set(model.id, model);
    }
    return [...byId.values()];
  }

  /**
   * Which connections of a tenant answer, by name, as far as is known: `unknown` where the operator named the models,
   * so that nobody asks. Waits for no vendor; what has gone stale is asked for again in the background.
   */
  async reachability(tenantId: string): Promise<Readonly<Record<string, Reachability>>> {
    const connections = await this.connectionSource.connections(tenantId);
    return Object.fromEntries(
      connections.map((connection) => {
        const known = this.lists.reachability(connection);
        void this.lists.of(connection, this.provider(connection.kind));
        return [connection.name, known];
      }),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.providers.values()].map(async (provider) => provider.close?.()));
  }
}
