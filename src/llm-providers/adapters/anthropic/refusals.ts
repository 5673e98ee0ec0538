import { ProviderError } from '../../contract/provider-error.js';

/** Anthropic, or this model of it, has no word for that. @param param in the words of GenerateRequest */
export function unsupported(param: string): ProviderError {
  return new ProviderError({ provider: 'anthropic', code: 'unsupported', param });
}

/** The vendor would refuse this value. @param param in the words of GenerateRequest */
export function invalid(param: string): ProviderError {
  return new ProviderError({ provider: 'anthropic', code: 'invalid_request', param });
}
