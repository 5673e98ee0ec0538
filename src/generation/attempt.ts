import type { GenerateEvent } from '../llm-providers/contract/generate-event.js';
import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { RouteTarget } from '../models/model-route.js';
import type { CallLimits } from './model-call.js';

/**
 * One call of a provider, cut off when it is silent for too long: before its first event, or between two.
 * @throws ProviderError also for the silence (code timeout); the reason of `signal` when that aborts
 */
export async function* attempt(
  { provider, connection }: RouteTarget,
  request: GenerateRequest,
  call: { readonly signal: AbortSignal; readonly requestId: string },
  limits: CallLimits,
): AsyncGenerator<GenerateEvent, void, undefined> {
  const silence = new AbortController();
  const timeout = (): void => silence.abort(new ProviderError({ provider: provider.kind, code: 'timeout' }));
  let timer = setTimeout(timeout, limits.firstTokenTimeoutMs);
  try {
    const events = provider.stream(request, {
      connection,
      signal: AbortSignal.any([call.signal, silence.signal]),
      requestId: call.requestId,
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
