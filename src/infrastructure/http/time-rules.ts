import { ValidateBy } from 'class-validator';

/** A date, or a date with a time and its offset (RFC 3339, 5.6): without an offset it would depend on where the server is. */
const form = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Whether the day exists, which JavaScript does not ask, and Postgres knows the year. */
function isTime(value: unknown): boolean {
  const day = typeof value === 'string' ? form.exec(value)?.[1] : undefined;
  if (day === undefined) return false;
  const midnight = new Date(day);
  if (isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return false;
  return !isNaN(new Date(String(value)).getTime()) && midnight.getUTCFullYear() > 1;
}

/** A time that exists, in ISO 8601 as browsers write it. */
export function IsTime(): PropertyDecorator {
  return ValidateBy({
    name: 'isTime',
    validator: {
      validate: isTime,
      defaultMessage: () => '$property must be a time in ISO 8601 with its offset, or a date',
    },
  });
}
