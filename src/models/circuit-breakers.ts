import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { ProviderError, type ProviderErrorCode } from '../llm-providers/contract/provider-error.js';
import { baseIdOf } from './personal-keys/with-key.js';

/** `open`: nobody calls it. `half_open`: the next call shows whether it works again, and until then there is no other. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** One call that was let through. Exactly one `ended` must follow. */
export interface Passage {
  /** The first output is there: whoever waits for this probe may call too. */
  began(): void;
  /** `neither`: it showed nothing of the vendor's health, as when a person stopped it. */
  ended(verdict: 'succeeded' | 'failed' | 'neither'): void;
}

interface Breaker {
  /** Of everybody's: the connection without anybody's key. Of one person's: undefined. */
  readonly connectionId: string | undefined;
  /** In a row; of everybody's, those of one person in a row are one. */
  failures: number;
  /** Who met the last one. */
  lastUserId: string | undefined;
  /** By the monotonic clock; undefined while closed. */
  openUntilMs: number | undefined;
  /** The one call that is let through while half-open. */
  probe: symbol | undefined;
}

/** Those that failed last. Who loses its entry is called again, no more. */
const mostBreakers = 10_000;
/** What is said to those who come while a probe is on its way. */
const probeWaitMs = 1000;

const outages: ReadonlySet<ProviderErrorCode> = new Set([
  'overloaded',
  'timeout',
  'network',
  'invalid_response',
]);

/**
 * Whether the vendor, and not the request, is at fault: 5xx, time-outs, the network, an answer that is not valid. Not 429, which says
 * that it is well, and has its own waiting time.
 */
export function isOutage({ code, retryable }: ProviderError): boolean {
  return outages.has(code) || (code === 'unknown' && retryable);
}

/**
 * Stops calling what fails, for each connection and model and in this process (models.md): opens after a number of failures in a row,
 * and after a while lets one call through, which closes it or opens it again. What one person meets opens it for that person alone: it
 * may be what they ask that makes a server fail. It takes as many turns of different people to open it for everybody.
 */
@Injectable()
export class CircuitBreakers {
  /** Only of those that failed since they last succeeded. */
  private readonly breakers = new Map<string, Breaker>();
  private readonly failures: number;
  private readonly openMs: number;

  constructor(
    private readonly clock: Clock,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.failures = config['breaker.failures'];
    this.openMs = config['breaker.openMs'];
  }

  /** For somebody; the worse of everybody's and theirs. */
  state(connectionId: string, modelId: string, userId: string): BreakerState {
    const states = keysOf(connectionId, modelId, userId).map((key) => this.stateOf(this.breakers.get(key)));
    return states.find((state) => state === 'open') ?? states.find((state) => state !== 'closed') ?? 'closed';
  }

  /** Whether any model of a connection is called for nobody at the moment. */
  openOn(connectionId: string): boolean {
    const own = this.breakers.values().filter((breaker) => breaker.connectionId === connectionId);
    return own.some((breaker) => this.stateOf(breaker) === 'open');
  }

  /** For how long somebody may not call, in milliseconds; undefined for who may, as `admit` then does. */
  refusedForMs(connectionId: string, modelId: string, userId: string): number | undefined {
    const waits = keysOf(connectionId, modelId, userId)
      .map((key) => this.waitOf(this.breakers.get(key)))
      .filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Math.max(...waits);
  }

  /** Undefined when they may not call. Whoever passes a half-open breaker is its probe. */
  admit(connectionId: string, modelId: string, userId: string): Passage | undefined {
    if (this.refusedForMs(connectionId, modelId, userId) !== undefined) return undefined;
    const [everybodys, own] = keysOf(connectionId, modelId, userId);
    const passages = [
      this.pass(everybodys, { connectionId: baseIdOf(connectionId), userId }),
      this.pass(own, { connectionId: undefined, userId }),
    ];
    return {
      began: () => passages.forEach((passage) => passage.began()),
      ended: (verdict) => passages.forEach((passage) => passage.ended(verdict)),
    };
  }

  private pass(key: string, call: Pick<Breaker, 'connectionId'> & { readonly userId: string }): Passage {
    const breaker = this.breakers.get(key);
    const probe = breaker?.openUntilMs === undefined ? undefined : Symbol(key);
    if (breaker !== undefined) breaker.probe = probe;
    return {
      began: () => {
        if (probe !== undefined && breaker?.probe === probe) this.closeOnTrial(breaker);
      },
      ended: (verdict) => {
        const current = this.breakers.get(key);
        // What was called before it opened says nothing of how it is now.
        const isProbe = probe !== undefined && current?.probe === probe;
        const counts = current?.openUntilMs === undefined || isProbe;
        if (counts && verdict === 'succeeded') this.breakers.delete(key);
        if (counts && verdict === 'failed') {
          this.countFailure(current ?? this.create(key, call.connectionId), call.userId, isProbe);
        }
        if (isProbe) current.probe = undefined;
      },
    };
  }

  private waitOf(breaker: Breaker | undefined): number | undefined {
    if (breaker?.openUntilMs === undefined) return undefined;
    const leftMs = breaker.openUntilMs - this.clock.monotonicMs();
    if (leftMs > 0) return leftMs;
    return breaker.probe === undefined ? undefined : probeWaitMs;
  }

  /** One more failure opens it again: an answer that begins may yet break off. */
  private closeOnTrial(breaker: Breaker): void {
    breaker.probe = undefined;
    breaker.openUntilMs = undefined;
    breaker.failures = this.failures - 1;
    breaker.lastUserId = undefined;
  }

  private countFailure(breaker: Breaker, userId: string, isProbe: boolean): void {
    const isOnesOwn = breaker.connectionId === undefined;
    if (isOnesOwn || isProbe || breaker.lastUserId !== userId) breaker.failures++;
    breaker.lastUserId = userId;
    if (breaker.failures >= this.failures) breaker.openUntilMs = this.clock.monotonicMs() + this.openMs;
  }

  private create(key: string, connectionId: string | undefined): Breaker {
    const breaker: Breaker = {
      ...{ connectionId, failures: 0, lastUserId: undefined },
      ...{ openUntilMs: undefined, probe: undefined },
    };
    const [oldest] = this.breakers.keys();
    if (this.breakers.size >= mostBreakers && oldest !== undefined) this.breakers.delete(oldest);
    this.breakers.set(key, breaker);
    return breaker;
  }

  private stateOf(breaker: Breaker | undefined): BreakerState {
    if (breaker?.openUntilMs === undefined) return 'closed';
    return breaker.openUntilMs > this.clock.monotonicMs() ? 'open' : 'half_open';
  }
}

/** Of everybody's breaker, which knows no personal keys, and of the person's own. */
function keysOf(connectionId: string, modelId: string, userId: string): readonly [string, string] {
  return [JSON.stringify([baseIdOf(connectionId), modelId]), JSON.stringify([connectionId, modelId, userId])];
}
