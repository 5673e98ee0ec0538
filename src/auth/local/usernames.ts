import { ValidateBy } from 'class-validator';

export const longestUsername = 200;

/**
 * Words that can be seen, with single spaces between them: nothing that makes two names look the same. Fillers count as letters and
 * the blank of Braille as a symbol, though neither is seen (Unicode Standard Annex 44, Default_Ignorable_Code_Point). Linear.
 */
const visible =
  /^[^\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]+(?: [^\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]+)*$/u;

/** A username as it is compared: however it is typed, and whatever the case. */
export function usernameKey(username: string): string {
  return username.normalize('NFKC').toLowerCase();
}

/** Whether somebody may be called that; 200 UTF-16 units is what the columns hold. */
export function isUsername(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= longestUsername &&
    usernameKey(value).length <= longestUsername &&
    visible.test(value.normalize('NFKC'))
  );
}

export function IsUsername(): PropertyDecorator {
  return ValidateBy({
    name: 'isUsername',
    validator: {
      validate: isUsername,
      defaultMessage: () => `$property must be a name of 1 to ${longestUsername} visible characters`,
    },
  });
}
