import { DomainError } from '../../common/domain-error.js';

/** What is wrong with a file as a whole. */
type Damage =
  | 'truncated'
  | 'malformed_json'
  | 'malformed_archive'
  | 'encrypted'
  | 'checksum'
  | 'unsupported_archive'
  | 'too_many_refused';

export function brokenFile(damage: Damage, cause?: unknown): DomainError {
  return new DomainError('IMPORT_FILE_BROKEN', {
    details: { damage },
    ...(cause === undefined ? {} : { cause }),
  });
}
