import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { RouteTarget } from '../models/model-route.js';
import type { Attempt, CallEvent, CallLimits } from './model-call.js';

/**
 * One call of a provider, cut off when it is silent for too long: before its first event, or between two.
 * @throws ProviderError also for the silence (code timeout); the reason of `signal` when that aborts
 */
export async function* attempt<Event extends CallEvent>(
  { provider, connection }: RouteTarget,
  ask: Attempt<Event>,
  call: { readonly signal: AbortSignal; readonly requestId: string },
  limits: CallLimits,
): AsyncGenerator<Event, void, undefined> {
  const silence = new AbortController();
  const timeout = (): void => silence.abort(new ProviderError({ provider: provider.kind, code: 'timeout' }));
  let timer = setTimeout(timeout, limits.firstTokenTimeoutMs);
  try {
    const events = ask({
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
