import type { PipeTransform } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';

const maxKeys = 20;

/** The body of `POST /api/profile/api-keys`: what are to be keys, by the name of their connection. */
export class PersonalKeysPipe implements PipeTransform<unknown, Readonly<Record<string, unknown>>> {
  transform(body: unknown): Readonly<Record<string, unknown>> {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new DomainError('INVALID_BODY');
    const keys = Object.entries(body);
    if (keys.length === 0 || keys.length > maxKeys) {
      throw new DomainError('VALIDATION_FAILED', { message: `give 1 to ${maxKeys} keys` });
    }
    return Object.fromEntries(keys);
  }
}
