import type { ProviderKind } from './provider-kind.js';
import type { GenerateRequest } from './generate-request.js';
import { ProviderError } from './provider-error.js';

/** What every adapter must be able to pass on. */
const always: readonly (keyof GenerateRequest)[] = ['model', 'messages', 'systemPrompt', 'maxOutputTokens'];

/**
 * Refuses a request that names a field which the vendor has no word for.
 * @param supported the fields that the adapter passes on, beside those that all do
 * @throws ProviderError unsupported, with the field in `param`
 */
export function refuseUnsupported(
  provider: ProviderKind,
  request: GenerateRequest,
  supported: readonly (keyof GenerateRequest)[],
): void {
  const known: ReadonlySet<string> = new Set([...always, ...supported]);
  for (const [param, value] of Object.entries(request)) {
    if (value === undefined || known.has(param)) continue;
    // Of fields that no contract knows the first is named.
    const [field] = param === 'extra' ? Object.keys(value as object) : [];
    throw new ProviderError({
      provider,
      code: 'unsupported',
      param: field === undefined ? param : `extra.${field}`,
    });
  }
}
