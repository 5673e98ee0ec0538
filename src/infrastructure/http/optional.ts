import { ValidateIf } from 'class-validator';

/** May be left out. Unlike class-validator's IsOptional, null is not the same as left out. */
export function MayBeAbsent(): PropertyDecorator {
  return ValidateIf((_object, value) => value !== undefined);
}
