import type { PipeTransform } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';

const maxKeys = 20;
/** No vendor's key is shorter or longer, and what else is in one cannot stand in a header (RFC 9110, 5.5). */
const wellFormed = /^[\x21-\x7e]{8,1000}$/;

/** The body of `POST /api/profile/api-keys`: keys by the name of their connection. */
export class PersonalKeysPipe implements PipeTransform<unknown, Record<string, string>> {
  transform(body: unknown): Record<string, string> {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new DomainError('INVALID_BODY');
    const entries = Object.entries(body);
    if (entries.length === 0 || entries.length > maxKeys) {
      throw new DomainError('VALIDATION_FAILED', { message: `give 1 to ${maxKeys} keys` });
    }
    return Object.fromEntries(
      entries.map(([param, key]: [string, unknown]) => {
        if (typeof key === 'string' && wellFormed.test(key)) return [param, key];
        const message = `${param} must be a key of 8 to 1000 visible ASCII characters`;
        throw new DomainError('VALIDATION_FAILED', { param, message });
      }),
    );
  }
}
