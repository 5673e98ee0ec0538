import type { Clock } from '../common/clock.js';
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

/**
 * The model list of each connection, asked for once at a time and again after five minutes, or five seconds when the vendor
 * failed. Meanwhile it has the models it had, or those that it had when it was last synchronised, so that its list being slow or
 * down stops no conversation.
 */
export class ModelLists {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {}

  of(connection: Connection, provider: ModelProvider): Promise<ModelList> {
    if (connection.models !== undefined) {
      return Promise.resolve({ models: connection.models.map((model) => provider.describeModel(model)) });
    }
    // Without a key of somebody's own there is nobody to ask.
    if (connection.personalKeys === 'required') {
      return Promise.resolve({ models: connection.knownModels ?? [] });
    }
    const entry = this.entryOf(connection);
    const isCurrent = entry !== undefined && entry.expiresAtMs > this.clock.monotonicMs();
    if (isCurrent) return entry.list;
    const asked = this.ask(connection, provider, entry?.last);
    // What is known serves meanwhile: nobody waits for a vendor whose models are known.
    const known = entry?.last ?? { models: connection.knownModels ?? [] };
    return known.models.length > 0 ? Promise.resolve(known) : asked;
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
  retain(connectionIds: ReadonlySet<string>): void {
    for (const id of this.entries.keys()) if (!connectionIds.has(id)) this.entries.delete(id);
  }

  /** By the last list that ended; asks nobody and waits for nothing. */
  reachability(connection: Connection): Reachability {
    const last = this.entryOf(connection)?.last;
    if (last === undefined) return 'unknown';
    return last.failure === undefined ? 'reachable' : 'unreachable';
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
      const failure = toFailure(error, provider, signal);
      return { models: last?.models ?? connection.knownModels ?? [], failure };
    }
  }
}

function toFailure(error: unknown, { kind }: ModelProvider, signal: AbortSignal): ProviderError {
  if (error instanceof ProviderError) return error;
  return new ProviderError({ provider: kind, code: signal.aborted ? 'timeout' : 'unknown', cause: error });
}
