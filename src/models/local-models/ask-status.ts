import type { ModelStatus } from '../../llm-providers/contract/model-info.js';
import type { LoadCall, LoadTarget } from './load-attempts.js';

/** Who says nothing for this long cannot be used, in ms. */
const patienceMs = 5000;

/**
 * What a server says of some of its models, in their order; undefined when its vendor tells nothing of the kind.
 * @throws ProviderError; the signal's reason
 */
export async function askStatuses(
  { provider, connection }: Pick<LoadTarget, 'provider' | 'connection'>,
  models: readonly string[],
  { signal, requestId }: LoadCall,
): Promise<readonly ModelStatus[] | undefined> {
  const late = AbortSignal.timeout(patienceMs);
  try {
    return await provider.status?.(models, {
      connection,
      requestId,
      signal: AbortSignal.any([signal, late]),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) return models.map(() => ({ state: 'unavailable' }));
    throw error;
  }
}
