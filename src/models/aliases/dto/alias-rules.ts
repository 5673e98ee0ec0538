import { ArrayMaxSize, ArrayMinSize, IsArray, ValidateBy } from 'class-validator';
import { isModelId } from '../../../infrastructure/http/model-id.pipe.js';

function isStopText(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= 200 &&
    !value.includes('\0') &&
    value.isWellFormed()
  );
}

/** What a model can be called by, known or not. */
export const IsModelName = (): PropertyDecorator =>
  ValidateBy({
    name: 'isModelName',
    validator: { validate: isModelId, defaultMessage: () => '$property must be the id of a model' },
  });

/** A name that can be told from others and asked for in a path: not `..`, and without white space around it. */
export const IsNewModelName = (): PropertyDecorator =>
  ValidateBy({
    name: 'isNewModelName',
    validator: {
      validate: (value) => isModelId(value) && value.trim() === value && /[\p{L}\p{N}]/u.test(value),
      defaultMessage: () =>
        '$property must be 1 to 200 characters with a letter or a digit, without white space around them',
    },
  });

/** Texts before which an answer ends; unlike other texts, they may be white space. */
export const AreStopTexts = (): PropertyDecorator => (target, property) => {
  const rules = [
    IsArray(),
    ArrayMinSize(1),
    ArrayMaxSize(16),
    ValidateBy(
      {
        name: 'isStopText',
        validator: {
          validate: isStopText,
          defaultMessage: () => '$property must be texts of 1 to 200 characters',
        },
      },
      { each: true },
    ),
  ];
  for (const rule of rules) rule(target, property);
};
