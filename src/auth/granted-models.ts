import { DomainError } from '../common/domain-error.js';
import type { Caller } from './caller.js';

/** Whether the caller's credential lets them use the model, be there such a model or not (identity.md, API tokens). */
export function isModelGranted({ credential }: Pick<Caller, 'credential'>, modelId: string): boolean {
  return credential.kind !== 'token' || credential.models === null || credential.models.includes(modelId);
}

/**
 * For every door to inference. Where models are only looked up, one that is not granted does not exist.
 * @throws DomainError MODEL_NOT_GRANTED
 */
export function refuseUngrantedModel(caller: Pick<Caller, 'credential'>, modelId: string): void {
  if (!isModelGranted(caller, modelId)) throw new DomainError('MODEL_NOT_GRANTED');
}
