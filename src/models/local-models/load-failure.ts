import { DomainError } from '../../common/domain-error.js';
import { ProviderError } from '../../llm-providers/contract/provider-error.js';
import type { ProviderKind } from '../../llm-providers/contract/provider-kind.js';
import { toFailure } from '../provider-failure.js';
import type { LoadFailureCode } from './model-load.entity.js';

/** Our word for why a load failed. */
export function toLoadFailure(provider: ProviderKind, code: LoadFailureCode): DomainError {
  if (code === 'interrupted') return new DomainError('MODEL_LOAD_INTERRUPTED');
  return toFailure(new ProviderError({ provider, code }));
}

/** The same for those who wait for the model to answer. What Ollama answers with 500 is `unknown`, and may pass. */
export function toProviderError(provider: ProviderKind, code: LoadFailureCode): ProviderError {
  if (code === 'interrupted') return new ProviderError({ provider, code: 'overloaded' });
  return new ProviderError({ provider, code, ...(code === 'unknown' ? { retryable: true } : {}) });
}
