import type { Clock } from '../common/clock.js';
import type { Log } from '../infrastructure/logging/log.js';
import { adapterDefect } from './adapter-defect.js';
import type { Connection } from './contract/connection.js';
import type { ModelInfo } from './contract/model-info.js';
import type { ModelProvider } from './contract/model-provider.js';
import { ProviderError } from './contract/provider-error.js';

const freshMs = 5 * 60_000;
/** How long a vendor that failed is left alone. */
const failedMs = 5_000;
/** The caller waits for the list, so it may not take as long as an answer. */
const listTimeoutMs = 10_000;

export interface ModelList {
  readonly models: readonly ModelInfo[];
  /** Why the list could not be had; `models` is then what it last was. */
  readonly failure?: ProviderError;
}

/** What a vendor offers, and what it offered as far as was known. */
export interface Synchronisation {
  readonly before: readonly ModelInfo[];
  readonly models: readonly ModelInfo[];
}

interface Entry {
  readonly version: number;
  readonly list: Promise<ModelList>;
  /** What the vendor said last; undefined until it has answered once. */
  last: ModelList | undefined;
  /** By the monotonic clock; Infinity while the vendor is being asked. */
  expiresAtMs: number;
}

/** The vendor answered when it was last asked; it did not; or nobody has asked. */
export type Reachability = 'reachable' | 'unreachable' | 'unknown';

/** What can be said of a list. */
export interface ListLook {
  /** At once: what it was, or that it could not be had; undefined when nobody has ever answered. */
  readonly known: ModelList | undefined;
  /** What it is, once the vendor has answered. Never rejects. */
  readonly current: Promise<ModelList>;
}

/**
 * The model list of each connection, asked for once at a time and again after five minutes, or five seconds when the vendor
 * failed. Meanwhile it has the models it had, or those that it had when it was last synchronised.
 */
export class ModelLists {
  private readonly entries = new Map<string, Entry>();
  /** Of the connections whose models the operator named, by that list of names: every request asks for them. */
  private readonly namedLists = new WeakMap<readonly string[], ListLook>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Waits for nobody; what has gone stale is asked for from now on. */
  look(connection: Connection, provider: ModelProvider): ListLook {
    const { models, knownModels } = connection;
    if (models !== undefined) return this.named(models, provider);
    // Without a key of somebody's own there is nobody to ask.
    if (connection.personalKeys === 'required') return settled({ models: knownModels ?? [] });
    if (connection.unreadable === true) return settled(this.withoutAsking(connection));
    const entry = this.entryOf(connection);
    const isCurrent = entry !== undefined && entry.expiresAtMs > this.clock.monotonicMs();
    const current = isCurrent ? entry.list : this.ask(connection, provider, entry?.last);
    return {
      known: entry?.last ?? (knownModels === undefined ? undefined : { models: knownModels }),
      current,
    };
  }

  /**
   * Asks the vendor now, whatever is known.
   * @throws ProviderError, and then what was known stays
   */
  async sync(connection: Connection, provider: ModelProvider): Promise<Synchronisation> {
    const last = this.entryOf(connection)?.last;
    const { models, failure } = await this.list(connection, provider, last);
    if (failure !== undefined) throw failure;
    const entry = {
      version: connection.version,
      last: { models },
      expiresAtMs: this.clock.monotonicMs() + freshMs,
    };
    this.entries.set(connection.id, { ...entry, list: Promise.resolve({ models }) });
    return { before: connection.knownModels ?? last?.models ?? [], models };
  }

  /** Forgets the lists of all other connections. */
  retain(isKept: (connectionId: string) => boolean): void {
    for (const id of this.entries.keys()) if (!isKept(id)) this.entries.delete(id);
  }

  /** By the last list that ended; asks nobody and waits for nothing. */
  reachability(connection: Connection): Reachability {
    const last = this.entryOf(connection)?.last;
    if (last === undefined) return 'unknown';
    return last.failure === undefined ? 'reachable' : 'unreachable';
  }

  /** What is known still counts: another connection shall not answer in the place of this one unnoticed. */
  private withoutAsking(connection: Connection): ModelList {
    // Of whatever version: it is only refused.
    const models = this.entries.get(connection.id)?.last?.models ?? connection.knownModels ?? [];
    return { models, failure: new ProviderError({ provider: connection.kind, code: 'unknown' }) };
  }

  private named(models: readonly string[], provider: ModelProvider): ListLook {
    const known = this.namedLists.get(models);
    if (known !== undefined) return known;
    const look = settled({ models: models.map((model) => provider.describeModel(model)) });
    this.namedLists.set(models, look);
    return look;
  }

  private entryOf({ id, version }: Connection): Entry | undefined {
    const entry = this.entries.get(id);
    return entry?.version === version ? entry : undefined;
  }

  private ask(
    connection: Connection,
    provider: ModelProvider,
    last: ModelList | undefined,
  ): Promise<ModelList> {
    const list = this.list(connection, provider, last);
    const entry: Entry = { version: connection.version, list, last, expiresAtMs: Infinity };
    this.entries.set(connection.id, entry);
    void list.then((answer) => {
      const keptMs = answer.failure === undefined ? freshMs : failedMs;
      entry.last = answer;
      entry.expiresAtMs = this.clock.monotonicMs() + keptMs;
    });
    return list;
  }

  private async list(
    connection: Connection,
    provider: ModelProvider,
    last: ModelList | undefined,
  ): Promise<ModelList> {
    const signal = AbortSignal.timeout(listTimeoutMs);
    try {
      return { models: await provider.listModels({ connection, signal, requestId: 'model-list' }) };
    } catch (error) {
      const failure = this.failureOf(error, connection, signal);
      return { models: last?.models ?? connection.knownModels ?? [], failure };
    }
  }

  private failureOf(error: unknown, connection: Connection, { aborted }: AbortSignal): ProviderError {
    if (error instanceof ProviderError) return error;
    if (!aborted) return adapterDefect(error, connection, this.log);
    return new ProviderError({ provider: connection.kind, code: 'timeout', cause: error });
  }
}

function settled(list: ModelList): ListLook {
  return { known: list, current: Promise.resolve(list) };
}
