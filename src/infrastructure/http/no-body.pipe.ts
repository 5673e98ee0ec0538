import type { PipeTransform } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';

/** For routes that take nothing: no body, or an empty object. Anything else was meant for another route. */
export class NoBodyPipe implements PipeTransform<unknown, undefined> {
  transform(body: unknown): undefined {
    if (body === undefined) return;
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new DomainError('INVALID_BODY');
    const [param] = Object.keys(body);
    if (param !== undefined) {
      throw new DomainError('VALIDATION_FAILED', { param, message: `property ${param} should not exist` });
    }
  }
}
