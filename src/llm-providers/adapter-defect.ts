import type { Log } from '../infrastructure/logging/log.js';
import type { Connection } from './contract/connection.js';
import { ProviderError } from './contract/provider-error.js';

/**
 * For what an adapter must never throw: others are told of a failure of the provider, the log of where it was thrown. Not in its own
 * words, which may quote what the vendor sent.
 */
export function adapterDefect(error: unknown, { id, kind }: Connection, log: Log): ProviderError {
  const { name, stack = '' } = error instanceof Error ? error : new Error();
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  log.error({ connectionId: id, type: name, stack: frames.join('\n') }, 'an adapter is defective');
  return new ProviderError({ provider: kind, code: 'unknown', cause: error });
}
