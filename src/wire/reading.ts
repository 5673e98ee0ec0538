import type { Response } from 'express';
import { DomainError } from '../common/domain-error.js';

/** Aborted when nobody reads an answer any more, or may. */
export function goneFrom(response: Response, ended?: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const leave = (): void => {
    // An answer that is complete is waited for by nothing, and to abort takes as long as to route a request.
    if (!response.writableFinished) gone.abort();
  };
  response.once('close', leave);
  if (response.destroyed) leave();
  return ended === undefined ? gone.signal : AbortSignal.any([gone.signal, ended]);
}

/** What somebody is told who may not read on, by the reason of the signal that says so. */
export function refusalOf(reason: unknown): DomainError {
  return reason instanceof DomainError ? reason : new DomainError('NOT_AUTHENTICATED');
}
