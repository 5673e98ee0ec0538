import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Connection } from './contract/connection.js';
import type { ProviderKind } from './contract/provider-kind.js';
import { ConnectionSource } from './contract/connection-source.js';
import type { ModelInfo } from './contract/model-info.js';
import type { ModelProvider } from './contract/model-provider.js';
import { ProviderError } from './contract/provider-error.js';
import { ModelLists, type Reachability, type Synchronisation } from './model-lists.js';

export type { Reachability };

/** Injection token of the adapters, one for each kind. */
export const modelProviders = Symbol('modelProviders');

/** Everything that it takes to call a model. */
export interface ResolvedModel {
  readonly provider: ModelProvider;
  readonly connection: Connection;
  readonly model: ModelInfo;
}

export interface ConnectionReachability extends Pick<Connection, 'id' | 'name'> {
  readonly reachability: Reachability;
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
   * Where to call a model: the first connection of the tenant that has it, or the one that is named if it has it; else undefined.
   * @throws ProviderError when none has it, but some connection could not be asked.
   */
  async resolve(
    tenantId: string,
    modelId: string,
    connectionId?: string,
  ): Promise<ResolvedModel | undefined> {
    let failure: ProviderError | undefined;
    for (const connection of await this.connectionSource.connections(tenantId)) {
      if (connectionId !== undefined && connection.id !== connectionId) continue;
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
    return (await this.available(tenantId)).map(({ model }) => model);
  }

  /** As `models`, each with where to call it: the first connection that has it. */
  async available(tenantId: string): Promise<readonly ResolvedModel[]> {
    const connections = await this.connectionSource.connections(tenantId);
    const listed = await Promise.all(
      connections.map(async (connection) => {
        const provider = this.provider(connection.kind);
        const { models } = await this.lists.of(connection, provider);
        return models.map((model) => ({ provider, connection, model }));
      }),
    );
    const byId = new Map<string, ResolvedModel>();
    for (const found of listed.flat()) {
      if (!byId.has(found.model.id)) byId.set(found.model.id, found);
    }
    return [...byId.values()];
  }

  /**
   * Which connections of a tenant answer, as far as is known: `unknown` where the operator named the models, so that nobody
   * asks. Waits for no vendor; what has gone stale is asked for again in the background.
   */
  async reachability(tenantId: string): Promise<readonly ConnectionReachability[]> {
    const connections = await this.connectionSource.connections(tenantId);
    return connections.map((connection) => {
      const reachability = this.lists.reachability(connection);
      void this.lists.of(connection, this.provider(connection.kind));
      return { id: connection.id, name: connection.name, reachability };
    });
  }

  /**
   * Asks the vendor for its list now; from then on, that is what this replica offers.
   * @throws ProviderError
   */
  sync(connection: Connection): Promise<Synchronisation> {
    return this.lists.sync(connection, this.provider(connection.kind));
  }

  /** Forgets what is known of all other connections, and closes their clients. */
  retain(connectionIds: ReadonlySet<string>): void {
    this.lists.retain(connectionIds);
    for (const provider of this.providers.values()) provider.retain?.(connectionIds);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.providers.values()].map(async (provider) => provider.close?.()));
  }
}
