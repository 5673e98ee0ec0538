import { setTimeout as wait } from 'node:timers/promises';
import { ProviderError } from '../../llm-providers/contract/provider-error.js';
import type { RouteTarget } from '../model-route.js';
import type { LoadRecord } from './model-load.entity.js';

export type LoadTarget = Pick<RouteTarget, 'tenantId' | 'provider' | 'connection' | 'model' | 'personalKey'>;

export interface LoadCall {
  readonly signal: AbortSignal;
  readonly requestId: string;
}

export interface RetryLimits {
  /** Calls of the server, the first included. */
  readonly maxAttempts: number;
  /** Before the first retry, in ms; doubles for each further one. */
  readonly baseDelayMs: number;
}

/** What a load has to know of its target. */
interface Loadable extends Pick<LoadTarget, 'connection'> {
  readonly provider: Pick<LoadTarget['provider'], 'load'>;
  readonly model: Pick<LoadTarget['model'], 'id'>;
}

/** Whoever is to wait longer for it, in ms, is better told so: the load would be in everybody's way meanwhile. */
const longestPauseMs = 5000;

/**
 * Loads a model, and tries again with backoff when that may help.
 * @param report told how often the server was asked, and how far it is
 * @throws ProviderError of the last attempt; the signal's reason
 */
export async function loadWithRetries(
  { provider, connection, model }: Loadable,
  call: LoadCall,
  { maxAttempts, baseDelayMs }: RetryLimits,
  report: (state: Pick<LoadRecord, 'attempts' | 'progress'>) => void,
): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    report({ attempts, progress: null });
    try {
      for await (const { state, progress } of provider.load?.(model.id, { connection, ...call }) ?? []) {
        if (state === 'loading') report({ attempts, progress: progress ?? null });
      }
      return;
    } catch (error) {
      call.signal.throwIfAborted();
      if (!(error instanceof ProviderError) || !error.retryable || attempts >= maxAttempts) throw error;
      const backoff = baseDelayMs * 2 ** (attempts - 1) * (0.5 + Math.random());
      const retryAfterMs = error.retryAfterMs ?? 0;
      if (retryAfterMs > longestPauseMs) throw error;
      await pause(Math.max(backoff, retryAfterMs), call.signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
