import { ValidateBy } from 'class-validator';
import { fromWireId, type IdKind } from '../../common/ids.js';

/** The id of one kind of thing, as it is on the wire. */
export function IsWireId(kind: IdKind): PropertyDecorator {
  return ValidateBy({
    name: 'isWireId',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && fromWireId(kind, value) !== undefined,
      defaultMessage: () => `$property must be the id of a ${kind}`,
    },
  });
}
