import { ArrayMaxSize, ArrayMinSize, IsArray, ValidateBy } from 'class-validator';
import { isScope } from '../../auth/scopes.js';
import { fromWireId } from '../../common/ids.js';
import { isModelId } from '../../infrastructure/http/model-id.pipe.js';
import { normaliseNetwork } from '../networks.js';

function Each(name: string, isGood: (value: unknown) => boolean, message: string): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: isGood, defaultMessage: () => message } }, { each: true });
}

function all(...rules: PropertyDecorator[]): PropertyDecorator {
  return (target, property) => rules.forEach((rule) => rule(target, property));
}

/** One or more scopes that exist. */
export const AreScopes = (): PropertyDecorator =>
  all(
    IsArray(),
    ArrayMinSize(1),
    ArrayMaxSize(50),
    Each('isScope', isScope, '$property must name scopes, such as read or threads:write'),
  );

/** One or more ids of models, known or not: models come and go. */
export const AreModels = (): PropertyDecorator =>
  all(
    IsArray(),
    ArrayMinSize(1),
    ArrayMaxSize(200),
    Each('isModelId', isModelId, '$property must be ids of models'),
  );

/** Networks, none or more. */
export const AreNetworks = (): PropertyDecorator =>
  all(
    IsArray(),
    ArrayMaxSize(50),
    Each(
      'isNetwork',
      (value) => typeof value === 'string' && normaliseNetwork(value) !== undefined,
      '$property must be addresses, or networks without bits behind the prefix, such as 10.0.0.0/8 or 2001:db8::/32',
    ),
  );

/** The id of a user, there or not. */
export const IsUserId = (): PropertyDecorator =>
  ValidateBy({
    name: 'isUserId',
    validator: {
      validate: (value) => typeof value === 'string' && fromWireId('user', value) !== undefined,
      defaultMessage: () => '$property must be the id of a user',
    },
  });
