import { ProviderError } from '../../contract/provider-error.js';

/** Ollama has no word for that. @param param in the words of GenerateRequest */
export function unsupported(param: string): ProviderError {
  return new ProviderError({ provider: 'ollama', code: 'unsupported', param });
}

/** What the request says contradicts itself. @param param in the words of GenerateRequest */
export function invalid(param: string): ProviderError {
  return new ProviderError({ provider: 'ollama', code: 'invalid_request', param });
}
