import { applyDecorators } from '@nestjs/common';
import { IsString, Length, Matches } from 'class-validator';

/**
 * Text that Postgres can keep and a person can read: `minimum` to `maximum` UTF-16 units, not only white space, no NUL
 * (Postgres refuses it) and no lone surrogate (UTF-8 has none).
 */
export function IsText({ minimum = 1, maximum }: { minimum?: number; maximum: number }): PropertyDecorator {
  return applyDecorators(
    IsString(),
    Length(minimum, maximum),
    Matches(/\S/, { message: '$property must not be blank' }),
    Matches(/^[^\0\p{Surrogate}]*$/u, { message: '$property must be well-formed text without NUL' }),
  );
}
