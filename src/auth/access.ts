import { SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { RequiredScope } from './scopes.js';

/** What a route asks of its caller. A route that declares nothing is unreachable. */
export type Access =
  | { readonly kind: 'public'; readonly greets?: true }
  | { readonly kind: 'authenticated'; readonly by?: 'session' }
  | {
      readonly kind: 'scope';
      readonly scope: RequiredScope;
      /** What it asks for beside that. */
      readonly also?: RequiredScope;
      readonly unless?: OpeningSetting;
      readonly systemOnly?: true;
      readonly by?: 'session';
    };

/** Settings that open routes to everybody. */
type OpeningSetting = 'docs.public';

export const accessKey = 'parley:access';

/** Open to everybody. */
export const Public = (): MethodDecorator => SetMetadata(accessKey, { kind: 'public' } satisfies Access);

/** Open to everybody, and told who is asking when a valid credential says so. */
export const PublicGreeting = (): MethodDecorator =>
  SetMetadata(accessKey, { kind: 'public', greets: true } satisfies Access);

/** Open to every authenticated caller, whatever their scopes: for reading what concerns only their own identity. */
export const Authenticated = (): MethodDecorator =>
  SetMetadata(accessKey, { kind: 'authenticated' } satisfies Access);

/** Open to people in a session of their own, and to no program: for their sessions and their profile. */
export const AuthenticatedBySession = (): MethodDecorator =>
  SetMetadata(accessKey, { kind: 'authenticated', by: 'session' } satisfies Access);

/** Open to callers whose scopes and role cover the scope, and the other one if there is one. */
export const Requires = (scope: RequiredScope, also?: RequiredScope): MethodDecorator =>
  SetMetadata(accessKey, {
    kind: 'scope',
    scope,
    ...(also === undefined ? {} : { also }),
  } satisfies Access);

/** Open to the admins of the default tenant, who run the installation (identity.md, Roles, groups, tenants). */
export const RequiresSystemAdmin = (): MethodDecorator =>
  SetMetadata(accessKey, { kind: 'scope', scope: 'admin', systemOnly: true } satisfies Access);

/** Like `Requires`, and to no program: for making what somebody logs in by, which would outlive a token. */
export const RequiresBySession = (scope: RequiredScope): MethodDecorator =>
  SetMetadata(accessKey, { kind: 'scope', scope, by: 'session' } satisfies Access);

/** Like `Requires`, but open to everybody while the setting is on. */
export const RequiresUnless = (scope: RequiredScope, unless: OpeningSetting): MethodDecorator =>
  SetMetadata(accessKey, { kind: 'scope', scope, unless } satisfies Access);

const accessByHandler = new WeakMap<object, Access | undefined>();

/** What the route of a request declares; undefined when it declares nothing. */
export function accessOf(context: ExecutionContext): Access | undefined {
  const handler = context.getHandler();
  if (accessByHandler.has(handler)) return accessByHandler.get(handler);
  const access = Reflect.getMetadata(accessKey, handler) as Access | undefined; // Set by the decorators above.
  accessByHandler.set(handler, access);
  return access;
}
