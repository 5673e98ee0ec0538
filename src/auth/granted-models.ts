import { DomainError } from '../common/domain-error.js';
import type { Credential, JobCredential, ModelReach } from './caller.js';

interface Holder {
  readonly credential: Credential | JobCredential;
}

/** Who has logged in may do all that they may do. */
export function modelReachOf({ credential }: Holder): ModelReach {
  if (credential.kind === 'session' || credential.kind === 'provider')
    return { isOwnersOwn: true, models: null };
  const { isOwnersOwn, models } = credential;
  return { isOwnersOwn, models };
}

/** Whether the caller's credential lets them use the model, be there such a model or not (identity.md, API tokens). */
export function isModelGranted(holder: Holder, modelId: string): boolean {
  const { models } = modelReachOf(holder);
  return models === null || models.includes(modelId);
}

/**
 * For every door to inference. Where models are only looked up, one that is not granted does not exist.
 * @throws DomainError MODEL_NOT_GRANTED
 */
export function refuseUngrantedModel(caller: Holder, modelId: string): void {
  if (!isModelGranted(caller, modelId)) throw new DomainError('MODEL_NOT_GRANTED');
}
