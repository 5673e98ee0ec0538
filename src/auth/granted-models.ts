import { DomainError } from '../common/domain-error.js';
import type { Credential, JobCredential } from './caller.js';

interface Holder {
  readonly credential: Credential | JobCredential;
}

/** Whether the caller's credential lets them use the model, be there such a model or not (identity.md, API tokens). */
export function isModelGranted({ credential }: Holder, modelId: string): boolean {
  return credential.kind !== 'token' || credential.models === null || credential.models.includes(modelId);
}

/**
 * For every door to inference. Where models are only looked up, one that is not granted does not exist.
 * @throws DomainError MODEL_NOT_GRANTED
 */
export function refuseUngrantedModel(caller: Holder, modelId: string): void {
  if (!isModelGranted(caller, modelId)) throw new DomainError('MODEL_NOT_GRANTED');
}
