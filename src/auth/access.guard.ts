import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Log } from '../infrastructure/logging/log.js';
import { isInDefaultTenant } from '../tenants/default-tenant.js';
import { accessOf, type Access } from './access.js';
import type { Caller, IdentifiedRequest } from './caller.js';
import { Rights } from './rights.js';
import { isSafeMethod } from './same-origin.js';
import type { RequiredScope } from './scopes.js';

/** The last of the guards: what the route declares is what it gets, and nothing is reachable that declares nothing. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly rights: Rights,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * @throws DomainError NOT_FOUND, CROSS_SITE_REQUEST, NOT_AUTHENTICATED, SESSION_ENDED, USER_SUSPENDED, TENANT_SUSPENDED,
   *   FORBIDDEN, RECENT_LOGIN_REQUIRED
   */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<IdentifiedRequest>();
    const access = accessOf(context);
    if (access === undefined) {
      const route = `${context.getClass().name}.${context.getHandler().name}`;
      this.log.error({ route }, 'route declares no access and is unreachable');
      throw new DomainError('NOT_FOUND');
    }
    const { caller, refusal } = request;
    if (isForgery(refusal)) throw refusal;
    // On a public route a credential that is not good, or cannot be checked, is as good as none.
    if (access.kind === 'public' || this.isOpenedBySetting(access)) return true;
    // Whatever kept us from finding out, as the filter knows it.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (caller === undefined) throw refusal ?? new DomainError('NOT_AUTHENTICATED');
    if (access.by === 'session' && caller.credential.kind !== 'session') throw new DomainError('FORBIDDEN');
    if (access.kind === 'authenticated') return true;
    const isOutside = access.systemOnly === true && !isInDefaultTenant(caller);
    const asked = access.also === undefined ? [access.scope] : [access.scope, access.also];
    if (isOutside || !asked.every((scope) => this.rights.admits(caller, scope))) {
      throw new DomainError('FORBIDDEN');
    }
    if (!isSafeMethod(request.method)) this.refuseOldLogin(caller, access.scope);
    return true;
  }

  /**
   * Whoever finds an administrator's browser open may look, and has to log in to change anything. A login of unknown time is not
   * recent: single sign-on would repeat it without asking anybody.
   */
  private refuseOldLogin({ credential }: Caller, scope: RequiredScope): void {
    if (credential.kind !== 'session' || !isAdministrative(scope)) return;
    const recentFromMs = this.clock.now().getTime() - this.config['session.recentLoginSeconds'] * 1000;
    if (credential.authenticatedAt === null || credential.authenticatedAt.getTime() < recentFromMs) {
      throw new DomainError('RECENT_LOGIN_REQUIRED');
    }
  }

  private isOpenedBySetting(access: Access): boolean {
    return access.kind === 'scope' && access.unless !== undefined && this.config[access.unless];
  }
}

function isForgery(refusal: unknown): refusal is DomainError {
  return refusal instanceof DomainError && refusal.code === 'CROSS_SITE_REQUEST';
}

/** Rights over credentials, people and settings, as opposed to one's own conversations. */
function isAdministrative(scope: RequiredScope): boolean {
  return scope === 'admin' || /^(?:tokens|users|settings|audit):/.test(scope);
}
