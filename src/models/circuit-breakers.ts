import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { ProviderError, type ProviderErrorCode } from '../llm-providers/contract/provider-error.js';

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
  readonly connectionId: string;
  /** In a row. */
  failures: number;
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
 * and after a while lets one call through, which closes it or opens it again.
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

  state(connectionId: string, modelId: string): BreakerState {
    return this.stateOf(this.breakers.get(keyOf(connectionId, modelId)));
  }

  /** Whether any model of a connection is not called at the moment. */
  openOn(connectionId: string): boolean {
    const own = this.breakers.values().filter((breaker) => breaker.connectionId === connectionId);
    return own.some((breaker) => this.stateOf(breaker) === 'open');
  }

  /** For how long nobody may call, in milliseconds; undefined for who may, as `admit` then does. */
  refusedForMs(connectionId: string, modelId: string): number | undefined {
    const breaker = this.breakers.get(keyOf(connectionId, modelId));
    if (breaker?.openUntilMs === undefined) return undefined;
    const leftMs = breaker.openUntilMs - this.clock.monotonicMs();
    if (leftMs > 0) return leftMs;
    return breaker.probe === undefined ? undefined : probeWaitMs;
  }

  /** Undefined when nobody may call. Whoever passes a half-open breaker is its probe. */
  admit(connectionId: string, modelId: string): Passage | undefined {
    if (this.refusedForMs(connectionId, modelId) !== undefined) return undefined;
    const key = keyOf(connectionId, modelId);
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
        const counts = current?.openUntilMs === undefined || (probe !== undefined && current.probe === probe);
        if (counts && verdict === 'succeeded') this.breakers.delete(key);
        if (counts && verdict === 'failed') this.countFailure(current ?? this.create(key, connectionId));
        if (probe !== undefined && current?.probe === probe) current.probe = undefined;
      },
    };
  }

  /** One more failure opens it again: an answer that begins may yet break off. */
  private closeOnTrial(breaker: Breaker): void {
    breaker.probe = undefined;
    breaker.openUntilMs = undefined;
    breaker.failures = this.failures - 1;
  }

  private countFailure(breaker: Breaker): void {
    breaker.failures++;
    if (breaker.failures >= this.failures) breaker.openUntilMs = this.clock.monotonicMs() + this.openMs;
  }

  private create(key: string, connectionId: string): Breaker {
    const breaker: Breaker = { connectionId, failures: 0, openUntilMs: undefined, probe: undefined };
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

function keyOf(connectionId: string, modelId: string): string {
  return JSON.stringify([connectionId, modelId]);
}
