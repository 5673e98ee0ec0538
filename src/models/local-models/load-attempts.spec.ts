import { describe, expect, it } from '@jest/globals';
import { scriptedConnection } from '../../../test/support/provider-scene.js';
import { ProviderError } from '../../llm-providers/contract/provider-error.js';
import { loadWithRetries } from './load-attempts.js';

const limits = { maxAttempts: 3, baseDelayMs: 0 };

/** @returns how often the server was asked, which is always too busy and says when to come again */
async function attemptsWith(retryAfterMs: number | undefined): Promise<number> {
  let asked = 0;
  const busy = new ProviderError({ provider: 'ollama', code: 'overloaded', retryAfterMs });
  const target = {
    connection: scriptedConnection('ollama', 'http://127.0.0.1:1'),
    model: { id: 'm' },
    provider: {
      load: () => {
        asked += 1;
        throw busy;
      },
    },
  };
  const call = { signal: new AbortController().signal, requestId: 'r' };
  await expect(loadWithRetries(target, call, limits, () => undefined)).rejects.toBe(busy);
  return asked;
}

describe('loadWithRetries', () => {
  it.each([5001, 3_600_000, 2 ** 40, Infinity])('does not wait for %d ms, nor come sooner', async (ms) => {
    expect(await attemptsWith(ms)).toBe(1);
  });

  it.each([undefined, 0, 20])('tries again after %j ms', async (ms) => {
    expect(await attemptsWith(ms)).toBe(3);
  });
});
