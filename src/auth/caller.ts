import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Owner, Role } from '../common/owner.js';
import type { Scope } from './scopes.js';

/** Who is asking: proven by the guards, on every request that is not public. */
export interface Caller extends Owner {
  readonly username: string;
  readonly role: Role;
  /** What the credential allows, before the role is considered. */
  readonly scopes: readonly Scope[];
  readonly sessionId: string;
}

/** The caller of the request, for a controller's parameter; undefined on a public route. */
export const OptionalCaller = createParamDecorator(
  (_data: undefined, context: ExecutionContext): Caller | undefined =>
    context.switchToHttp().getRequest<Request & { caller?: Caller }>().caller,
);

/** The caller of the request, for a controller's parameter. */
export const CurrentCaller = createParamDecorator((_data: undefined, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<Request & { caller?: Caller }>();
  if (caller === undefined) throw new Error('CurrentCaller on a route that is public');
  return caller;
});
