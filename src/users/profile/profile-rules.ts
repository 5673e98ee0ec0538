import { ValidateBy } from 'class-validator';

/** In characters. */
export const maxSystemPrompt = 10_000;

/** Longer than any tag or name that is in use. */
const maxName = 100;

/** A well-formed language tag, such as `de-AT` (BCP 47), as Intl understands it. */
export function IsLocale(): PropertyDecorator {
  return ValidateBy({
    name: 'isLocale',
    validator: {
      validate: (value: unknown) => isUnderstood(value, (tag) => Intl.getCanonicalLocales(tag)),
      defaultMessage: () => '$property must be a language tag, such as en-GB',
    },
  });
}

/** A name of the IANA time zone database that Intl knows; offsets such as `+02:00` are none. */
export function IsTimeZone(): PropertyDecorator {
  return ValidateBy({
    name: 'isTimeZone',
    validator: {
      validate: (value: unknown) =>
        isUnderstood(value, (timeZone) => new Intl.DateTimeFormat('en', { timeZone })) &&
        /^[A-Za-z]/.test(String(value)),
      defaultMessage: () => '$property must be a time zone, such as Europe/London',
    },
  });
}

/** @param read throws a RangeError when it does not understand */
function isUnderstood(value: unknown, read: (text: string) => unknown): boolean {
  if (typeof value !== 'string' || value.length > maxName) return false;
  try {
    read(value);
    return true;
  } catch {
    return false;
  }
}
