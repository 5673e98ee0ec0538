import { ProviderError } from '../../contract/provider-error.js';
import type { OpenAiKind } from './openai-kind.js';

/** The API that is asked has no word for that. @param param in the words of GenerateRequest */
export function unsupported(provider: OpenAiKind, param: string): ProviderError {
  return new ProviderError({ provider, code: 'unsupported', param });
}

/** @param param in the words of GenerateRequest, or `connection.…` where the operator is to say something else */
export function invalid(provider: OpenAiKind, param: string): ProviderError {
  return new ProviderError({ provider, code: 'invalid_request', param });
}
