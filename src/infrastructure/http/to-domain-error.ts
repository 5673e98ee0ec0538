import { HttpException } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import { toUnforeseen } from '../unforeseen.js';

const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_REQUEST',
  401: 'NOT_AUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** What Nest throws, and what the router of Express throws: errors with a status, made by http-errors. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.status;
  return undefined;
}

/** The catalogue's word for anything that was thrown. What nobody foresaw is INTERNAL_ERROR and says nothing of itself. */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const status = statusOf(error);
  const code = status === undefined ? undefined : codeByStatus[status];
  if (code !== undefined) return new DomainError(code, { cause: error });
  if (status !== undefined && status >= 400 && status < 500) {
    return new DomainError('INVALID_REQUEST', { cause: error });
  }
  return toUnforeseen(error);
}
