import { expect } from '@jest/globals';
import type { GenerateEvent } from '../../src/llm-providers/contract/generate-event.js';

/** Planted as the credential of a connection; may appear in a request header and nowhere else. */
export const credentialCanary = 'sk-credential-canary';
/** Planted in upstream bodies. */
export const upstreamCanary = 'upstream-body-canary';

export interface StreamRun {
  readonly events: readonly GenerateEvent[];
  readonly error: unknown;
}

/** Reads a stream to its end, good or bad. */
export async function run(
  stream: AsyncIterable<GenerateEvent>,
  onEvent: (event: GenerateEvent) => void = () => undefined,
): Promise<StreamRun> {
  const events: GenerateEvent[] = [];
  try {
    for await (const event of stream) {
      events.push(event);
      onEvent(event);
    }
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

/** Reads what is left of a stream. */
export async function readOn(iterator: AsyncIterator<GenerateEvent>): Promise<void> {
  while ((await iterator.next()).done !== true);
}

/** Everything of an error but its cause may be shown and logged. */
export function expectNoLeak(error: unknown): void {
  if (!(error instanceof Error)) throw new TypeError('not an error');
  const shown = [error.message, String(error), error.stack, JSON.stringify(error)].join('\n');
  for (const secret of [credentialCanary, upstreamCanary, '127.0.0.1']) expect(shown).not.toContain(secret);
}
