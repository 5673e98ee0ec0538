import { Injectable, ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { DomainError } from '../../common/domain-error.js';

interface Problem {
  readonly param: string;
  readonly message: string;
}

function problemsOf(errors: readonly ValidationError[], path: readonly string[] = []): Problem[] {
  return errors.flatMap((error) => {
    const here = [...path, error.property];
    const own = Object.values(error.constraints ?? {}).map((message) => ({ param: here.join('.'), message }));
    return [...own, ...problemsOf(error.children ?? [], here)];
  });
}

/** Nest strips these from a body in silence; an unknown property is refused, whatever its name. */
const prototypeKeys = ['__proto__', 'constructor', 'prototype'];

function findPrototypeKey(value: unknown, path: readonly string[] = []): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const here = [...path, key];
    const found = prototypeKeys.includes(key) ? here.join('.') : findPrototypeKey(inner, here);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Checks every parameter against its DTO: unknown properties are refused, values are not converted except in queries, where
 * everything is text. A body must be an object: class-validator itself would take a missing one for `{}`.
 * @throws DomainError VALIDATION_FAILED with the path of the first offending field, INVALID_BODY
 */
@Injectable()
export class StrictValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      transform: true,
      stopAtFirstError: true,
      validationError: { target: false, value: false },
      exceptionFactory: (errors) => {
        const problems = problemsOf(errors);
        const first = problems[0];
        return new DomainError('VALIDATION_FAILED', {
          ...(first === undefined ? {} : { param: first.param, message: first.message }),
          details: { problems },
        });
      },
    });
  }

  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    // A body without a DTO is the business of its own pipe.
    if (metadata.type !== 'body' || metadata.metatype === undefined) return this.check(value, metadata);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new DomainError('INVALID_BODY');
    }
    const param = findPrototypeKey(value);
    if (param !== undefined) {
      throw new DomainError('VALIDATION_FAILED', { param, message: `property ${param} should not exist` });
    }
    return this.check(value, metadata);
  }

  private check(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    return super.transform(value, metadata) as Promise<unknown>;
  }
}
