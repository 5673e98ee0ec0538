import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Connection } from './contract/connection.js';
import type { ProviderKind } from './contract/provider-kind.js';
import { ConnectionSource } from './contract/connection-source.js';
import type { ModelInfo } from './contract/model-info.js';
import type { ModelProvider } from './contract/model-provider.js';
import { ProviderError } from './contract/provider-error.js';
import {
  ModelLists,
  type ListLook,
  type ModelList,
  type Reachability,
  type Synchronisation,
} from './model-lists.js';

export type { Reachability };

/** Injection token of the adapters, one for each kind. */
export const modelProviders = Symbol('modelProviders');

/** For how long a vendor that is slow to tell its models keeps others from serving theirs, in ms. */
const listPatienceMs = 2000;

/** Everything that it takes to call a model. */
export interface ResolvedModel {
  readonly provider: ModelProvider;
  readonly connection: Connection;
  readonly model: ModelInfo;
}

export interface ConnectionReachability extends Pick<Connection, 'id' | 'name'> {
  readonly reachability: Reachability;
}

interface Looked extends ListLook, Pick<ResolvedModel, 'provider' | 'connection'> {}

/** How long one caller waits for lists, all of them together. */
class Patience {
  private timer: NodeJS.Timeout | undefined;
  private over: Promise<undefined> | undefined;

  /** Undefined when it takes too long. */
  with(list: Promise<ModelList>): Promise<ModelList | undefined> {
    this.over ??= new Promise((resolve) => {
      this.timer = setTimeout(resolve, listPatienceMs, undefined);
    });
    return Promise.race([list, this.over]);
  }

  /** The list as it is now if that is soon known, else as it was; one that never was is waited for. */
  async latest({ known, current }: ListLook): Promise<ModelList> {
    return (await this.with(current)) ?? known ?? current;
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

function find(
  modelId: string,
  { provider, connection }: Looked,
  list: ModelList | undefined,
): ResolvedModel | undefined {
  const model = list?.models.find(({ id }) => id === modelId);
  return model === undefined ? undefined : { provider, connection, model };
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
    log: Log,
  ) {
    this.providers = new Map(providers.map((provider) => [provider.kind, provider]));
    this.lists = new ModelLists(clock, log);
  }

  provider(kind: ProviderKind): ModelProvider {
    const provider = this.providers.get(kind);
    if (provider === undefined) throw new Error(`There is no adapter for the provider kind ${kind}.`);
    return provider;
  }

  /**
   * Where to call a model: the first connection of the tenant that has it, or the one that is named if it has it; else undefined.
   * All are asked at once for what is not known of them, and nobody waits for those behind the first that has it. A connection that
   * has never answered keeps later ones waiting for two seconds at most, in all; one that has failed does not. Where nobody has the
   * model, what has failed gets as long to have recovered, and what has never answered the ten seconds of a list.
   * @throws ProviderError when none has it, but some connection could not be asked.
   */
  async resolve(
    tenantId: string,
    modelId: string,
    connectionId?: string,
  ): Promise<ResolvedModel | undefined> {
    const looks = (await this.looks(tenantId)).filter(
      ({ connection }) => connectionId === undefined || connection.id === connectionId,
    );
    const patience = new Patience();
    try {
      for (const look of looks) {
        const found = find(modelId, look, look.known ?? (await patience.with(look.current)));
        if (found !== undefined) return found;
      }
      let failure: ProviderError | undefined;
      for (const look of looks) {
        const list = await patience.latest(look);
        const found = find(modelId, look, list);
        if (found !== undefined) return found;
        failure ??= list.failure;
      }
      if (failure !== undefined) throw failure;
      return undefined;
    } finally {
      patience.end();
    }
  }

  /** Every model of a tenant, once each; without those of a connection that cannot be asked at the moment. */
  async models(tenantId: string): Promise<readonly ModelInfo[]> {
    return (await this.available(tenantId)).map(({ model }) => model);
  }

  /** As `models`, each with where to call it: the first connection that has it. */
  async available(tenantId: string): Promise<readonly ResolvedModel[]> {
    const patience = new Patience();
    const looks = await this.looks(tenantId);
    const listed = await Promise.all(
      looks.map(async (look) => {
        const { provider, connection, known } = look;
        const hasModels = known !== undefined && known.models.length > 0;
        const { models } = hasModels ? known : await patience.latest(look);
        return models.map((model) => ({ provider, connection, model }));
      }),
    );
    patience.end();
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
      this.lists.look(connection, this.provider(connection.kind));
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

  /** What is known of the lists of a tenant's connections. */
  private async looks(tenantId: string): Promise<readonly Looked[]> {
    const connections = await this.connectionSource.connections(tenantId);
    return connections.map((connection) => {
      const provider = this.provider(connection.kind);
      return { provider, connection, ...this.lists.look(connection, provider) };
    });
  }

  /** Forgets what is known of all other connections, and closes their clients. */
  retain(isKept: (connectionId: string) => boolean): void {
    this.lists.retain(isKept);
    for (const provider of this.providers.values()) provider.retain?.(isKept);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.providers.values()].map(async (provider) => provider.close?.()));
  }
}
