import { isEmail, ValidateBy } from 'class-validator';

/** What the column holds, in UTF-16 units. */
const longest = 320;

/** An email address. class-validator's own rule throws a URIError on lone surrogates, hence the look before it. */
export function IsEmailAddress(): PropertyDecorator {
  return ValidateBy({
    name: 'isEmailAddress',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && value.length <= longest && value.isWellFormed() && isEmail(value),
      defaultMessage: () => `$property must be an email address of at most ${longest} characters`,
    },
  });
}
