import { ValidateIf } from 'class-validator';

/** May be left out. Unlike class-validator's IsOptional, null is not the same as left out. */
export function MayBeAbsent(): PropertyDecorator {
  return ValidateIf((_object, value) => value !== undefined);
}

/** May be left out, and null where there is to be nothing. */
export function MayBeAbsentOrNull(): PropertyDecorator {
  return ValidateIf((_object, value) => value !== undefined && value !== null);
}
