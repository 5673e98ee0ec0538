import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Actor } from '../audit/audit.service.js';
import type { Owner, Role } from '../common/owner.js';
import type { Scope } from './scopes.js';

/** A person's session in a browser, proven by cookie. */
export interface SessionCredential {
  readonly kind: 'session';
  readonly sessionId: string;
  /** When the person last proved who they are; null when the identity provider did not tell. */
  readonly authenticatedAt: Date | null;
}

/** What a credential leaves of what its owner may do with models. */
export interface ModelReach {
  /** Whether nobody but its owner has held it: else it spends nothing of theirs. */
  readonly isOwnersOwn: boolean;
  /** Null for every model that its owner may use. */
  readonly models: readonly string[] | null;
}

/** An API token; its owner's own when they made it. */
export interface TokenCredential extends ModelReach {
  readonly kind: 'token';
  readonly tokenId: string;
  /** CIDR; empty for any. */
  readonly allowedNetworks: readonly string[];
  readonly requestsPerMinute: number | null;
  /** Undefined when it may spend what it likes. */
  readonly budget?: Budget | undefined;
  readonly expiresAt: Date;
}

/** An access token of the identity provider. */
export interface ProviderCredential {
  readonly kind: 'provider';
  readonly expiresAt: Date;
}

/** What a token may spend in a calendar month, together with those that it was rotated from and into. */
export interface Budget {
  readonly id: string;
  /** Null for any number. */
  readonly tokens: number | null;
  /** In micro-units of the accounting currency; null for any amount. */
  readonly costMicros: number | null;
}

/** No request: what somebody began is gone on with in their name, within the reach of the credential that they began it with. */
export interface JobCredential extends ModelReach {
  readonly kind: 'job';
}

/** By what the caller is known. */
export type Credential = SessionCredential | TokenCredential | ProviderCredential;

/** Who is asking: proven by the guards, on every request that is not public. */
export interface Caller extends Owner {
  readonly username: string;
  readonly role: Role;
  /** What the credential allows, before the role is considered. */
  readonly scopes: readonly Scope[];
  readonly credential: Credential;
}

/** The caller as the audit log names them. */
export function actorOf({ userId, credential }: Caller): Actor {
  return credential.kind === 'token'
    ? { kind: 'token', userId, tokenId: credential.tokenId }
    : { kind: 'user', userId };
}

/** What the guards leave on a request for each other and for controllers. */
export interface IdentifiedRequest extends Request {
  caller?: Caller;
  /** Why the credential was not good, to be told by the guard that admits. */
  refusal?: unknown;
}

/** The caller of the request, for a controller's parameter; undefined on a public route. */
export const OptionalCaller = createParamDecorator(
  (_data: undefined, context: ExecutionContext): Caller | undefined =>
    context.switchToHttp().getRequest<IdentifiedRequest>().caller,
);

/** The caller of the request, for a controller's parameter. */
export const CurrentCaller = createParamDecorator((_data: undefined, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<IdentifiedRequest>();
  if (caller === undefined) throw new Error('CurrentCaller on a route that is public');
  return caller;
});
