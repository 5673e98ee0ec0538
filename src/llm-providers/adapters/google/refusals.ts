import { ProviderError } from '../../contract/provider-error.js';

/** Google, or this model of it, has no word for that. @param param in the words of GenerateRequest */
export function unsupported(param: string): ProviderError {
  return new ProviderError({ provider: 'google', code: 'unsupported', param });
}

/** The vendor would refuse this value. @param param in the words of GenerateRequest */
export function invalid(param: string): ProviderError {
  return new ProviderError({ provider: 'google', code: 'invalid_request', param });
}
