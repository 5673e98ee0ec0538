import type { ApiHeaderOptions } from '@nestjs/swagger';
import { DomainError } from '../../common/domain-error.js';

export const idempotencyKeyHeader = {
  name: 'Idempotency-Key',
  description:
    'Made up by the client, 1 to 255 visible ASCII characters: for 24 hours, the same request with the same key gives the same messages.',
} as const satisfies ApiHeaderOptions;

/** Most send a UUID; the quotes of draft-ietf-httpapi-idempotency-key-header belong to the key where somebody sends them. */
const acceptable = /^[\x21-\x7e]{1,255}$/;

/** @throws DomainError VALIDATION_FAILED */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || acceptable.test(header)) return header;
  throw new DomainError('VALIDATION_FAILED', {
    param: idempotencyKeyHeader.name,
    message: 'Idempotency-Key must be 1 to 255 visible ASCII characters.',
  });
}
