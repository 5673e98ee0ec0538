import { SystemClock, type Clock } from '../../common/clock.js';
import { Random } from '../../common/random.js';
import type { BootConfiguration, EmbeddedValues } from '../../config/registry.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import type { GenerateRequest } from '../../llm-providers/contract/generate-request.js';
import type { LoadProgress } from '../../llm-providers/contract/model-info.js';
import type { CallContext, ModelProvider } from '../../llm-providers/contract/model-provider.js';
import { ProviderError, type ProviderErrorOptions } from '../../llm-providers/contract/provider-error.js';
import { CircuitBreakers } from '../../models/circuit-breakers.js';
import type { ModelRoute, RoutePolicy, RouteTarget } from '../../models/model-route.js';
import { testConfiguration } from '../../../test/support/test-configuration.js';
import { ModelCalls } from '../model-calls.js';
import { TargetOrder } from '../target-order.js';

/** What one call of a model does, step by step: an event, a failure, or silence until the signal aborts. */
export type Step = GenerateEvent | Error | 'silence';

export const start: GenerateEvent = { type: 'start', model: 'test-2026' };
export const text = (words: string): GenerateEvent => ({ type: 'text', text: words });
export const finish: GenerateEvent = {
  type: 'finish',
  reason: 'stop',
  rawReason: 'stop',
  usage: { inputTokens: 3, outputTokens: 2 },
};
export const answer: readonly Step[] = [start, text('Hi'), finish];

export function failure(
  code: ProviderErrorOptions['code'],
  more: Partial<ProviderErrorOptions> = {},
): ProviderError {
  return new ProviderError({ provider: 'demo', code, ...more });
}

/** The same numbers each time (mulberry32). */
export class SeededRandom extends Random {
  constructor(private state: number) {
    super();
  }

  override next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** Models that do what a test says, each one once for each call of it; what nobody said is an empty answer. */
export class ScriptedModels implements ModelProvider {
  readonly kind = 'demo';
  /** Which model was called, in order. */
  readonly called: string[] = [];
  private readonly scripts = new Map<string, (readonly Step[])[]>();

  will(model: string, ...calls: readonly (readonly Step[])[]): void {
    this.scripts.set(model, [...(this.scripts.get(model) ?? []), ...calls]);
  }

  async *stream({ model }: GenerateRequest, { signal }: CallContext): AsyncGenerator<GenerateEvent> {
    this.called.push(model);
    for (const step of this.scripts.get(model)?.shift() ?? []) {
      if (step instanceof Error) throw step;
      if (step === 'silence') await silence(signal);
      else yield step;
    }
  }

  verify(): Promise<void> {
    return Promise.resolve();
  }

  listModels(): Promise<[]> {
    return Promise.resolve([]);
  }

  describeModel(id: string): ReturnType<ModelProvider['describeModel']> {
    const temperature = { min: 0, max: 2, step: 0.1, default: 1 };
    return { id, name: id, provider: 'demo', capabilities: ['chat'], temperature };
  }

  target(model: string, more: Partial<RouteTarget> = {}): RouteTarget {
    const timeouts = { connectMs: 1, headersMs: 1, idleMs: 1 };
    const open = { apiKeyRequired: false, requiresLoading: false, roles: null, groups: null };
    return {
      tenantId: 't',
      userId: 'u',
      provider: this,
      connection: { id: 'c', version: 1, kind: 'demo', name: 'c', baseUrl: '', timeouts },
      model: { ...this.describeModel(model), ...open },
      parameters: {},
      weight: 1,
      ...more,
    };
  }

  /** An ordered router over all of them, unless the policy says otherwise. */
  route(targets: readonly (string | RouteTarget)[], policy: Partial<RoutePolicy> = {}): ModelRoute {
    return {
      id: 'router',
      targets: targets.map((target) => (typeof target === 'string' ? this.target(target) : target)),
      policy: { strategy: 'ordered', maxTargets: targets.length, cooldownMs: 0, ...policy },
      reach: { isOwnersOwn: true, models: null },
    };
  }
}

function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Of a process without a database, whose patience is short. */
export function quickConfiguration(settings: EmbeddedValues): BootConfiguration {
  return testConfiguration({
    'database.url': 'postgres://127.0.0.1:1/none',
    'generation.firstTokenTimeoutMs': 2000,
    'generation.idleTimeoutMs': 2000,
    'generation.retryBaseDelayMs': 1,
    ...settings,
  });
}

interface CallsOptions {
  readonly settings?: EmbeddedValues;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly load?: () => AsyncGenerator<LoadProgress, void, undefined>;
}

/** A log whose lines can be read. */
export function readableLog(): { readonly log: Log; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): number => lines.push(JSON.parse(line) as Record<string, unknown>);
  return { log: new Log({ 'log.level': 'warn', 'log.format': 'json' }, { write }), lines };
}

export interface Calls {
  readonly calls: ModelCalls;
  /** What was logged as a warning or worse. */
  readonly lines: readonly Record<string, unknown>[];
  readonly breakers: CircuitBreakers;
}

export function modelCalls(options: CallsOptions = {}): Calls {
  const { settings = {}, clock = new SystemClock(), random = new SeededRandom(1), load = nothing } = options;
  const config = quickConfiguration(settings);
  const breakers = new CircuitBreakers(clock, config);
  const order = new TargetOrder(clock, random);
  const { log, lines } = readableLog();
  const keyUses = { note: () => undefined };
  const calls = new ModelCalls(order, breakers, { ensureLoaded: load }, keyUses, random, log, config);
  return { calls, breakers, lines };
}

async function* nothing(): AsyncGenerator<LoadProgress, void, undefined> {
  // Nothing needs loading.
}
