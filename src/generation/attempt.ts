import type { GenerateEvent } from '../llm-providers/contract/generate-event.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { GenerationCall, GenerationLimits } from './generation-call.js';

/**
 * One call of a provider, cut off when it is silent for too long: before its first event, or between two.
 * @throws ProviderError also for the silence (code timeout); the reason of `signal` when that aborts
 */
export async function* attempt(
  { target, request, requestId }: GenerationCall,
  signal: AbortSignal,
  limits: GenerationLimits,
): AsyncGenerator<GenerateEvent, void, undefined> {
  const silence = new AbortController();
  const timeout = (): void =>
    silence.abort(new ProviderError({ provider: target.provider.kind, code: 'timeout' }));
  let timer = setTimeout(timeout, limits.firstTokenTimeoutMs);
  try {
    const events = target.provider.stream(request, {
      connection: target.connection,
      signal: AbortSignal.any([signal, silence.signal]),
      requestId,
    });
    let begun = false;
    for await (const event of events) {
      if (begun) timer.refresh();
      else {
        begun = true;
        clearTimeout(timer);
        timer = setTimeout(timeout, limits.idleTimeoutMs);
      }
      yield event;
    }
  } finally {
    clearTimeout(timer);
  }
}
