import { ValidateBy } from 'class-validator';

/** As `IsText`, of what no DTO describes. */
export function isText(value: unknown, maximum: number): value is string {
  return (
    typeof value === 'string' &&
    value.length <= maximum &&
    /\S/.test(value) &&
    !value.includes('\0') &&
    value.isWellFormed()
  );
}

/**
 * Text that Postgres can keep and a person can read: 1 to `maximum` UTF-16 units, not only white space, without NUL (Postgres
 * refuses it) and lone surrogates (UTF-8 has none). class-validator's own length leaves variation selectors out.
 */
export function IsText({ maximum }: { readonly maximum: number }): PropertyDecorator {
  return ValidateBy({
    name: 'isText',
    validator: {
      validate: (value: unknown) => isText(value, maximum),
      defaultMessage: () => `$property must be text of 1 to ${maximum} characters, not blank and without NUL`,
    },
  });
}
