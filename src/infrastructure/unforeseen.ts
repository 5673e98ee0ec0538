import { DomainError } from '../common/domain-error.js';
import { isDatabaseUnavailable } from './database/database-errors.js';

/** The catalogue's word for what no rule threw: a database that is away, or INTERNAL_ERROR, which says nothing of itself. */
export function toUnforeseen(error: unknown): DomainError {
  return isDatabaseUnavailable(error)
    ? new DomainError('DATABASE_UNAVAILABLE', { cause: error, retryAfterMs: 1000 })
    : new DomainError('INTERNAL_ERROR', { cause: error });
}
