import type { ModelStatus } from '../../llm-providers/contract/model-info.js';
import type { LoadCall, LoadTarget } from './load-attempts.js';

/** Who says nothing for this long cannot be used, in ms. */
const patienceMs = 5000;

/**
 * What the server of a model says of it; undefined when its vendor tells nothing of the kind.
 * @throws ProviderError; the signal's reason
 */
export async function askStatus(
  { provider, connection, model }: LoadTarget,
  { signal, requestId }: LoadCall,
): Promise<ModelStatus | undefined> {
  const late = AbortSignal.timeout(patienceMs);
  try {
    return await provider.status?.(model.id, {
      connection,
      requestId,
      signal: AbortSignal.any([signal, late]),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) return { state: 'unavailable' };
    throw error;
  }
}
