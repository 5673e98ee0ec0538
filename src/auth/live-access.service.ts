import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import type { Role } from '../common/owner.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import { outsideRequests } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import { TokenAuthentication } from '../tokens/token-authentication.service.js';
import { UsersService } from '../users/users.service.js';
import type { Caller } from './caller.js';
import { Rights } from './rights.js';
import type { RequiredScope } from './scopes.js';
import { SessionsService } from './sessions/sessions.service.js';

const recheckEveryMs = 1000;

interface Held {
  readonly caller: Caller;
  readonly scope: RequiredScope;
  readonly ending: AbortController;
}

/** Of everybody who holds something open: whose credential is still good, and what role they have now. */
interface Standing {
  readonly sessions: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
  readonly roles: ReadonlyMap<string, Role>;
}

/**
 * What a caller was let into and is still in: an event stream. Looked at again at each word of a change of rights, and every
 * second in case that word was lost, by one question for all of them.
 */
@Injectable()
export class LiveAccess implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly held = new Set<Held>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private mustLookAgain = false;

  constructor(
    private readonly sessions: SessionsService,
    private readonly tokens: TokenAuthentication,
    private readonly users: UsersService,
    private readonly rights: Rights,
    private readonly notifications: Notifications,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.listen('access', () => this.look());
    this.timer = setInterval(() => this.look(), recheckEveryMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /**
   * Does something that lasts, for a caller who has the right to it now.
   * @param work is told by the signal when the right is gone; its reason is the DomainError to tell the caller
   */
  async during<Result>(
    caller: Caller,
    scope: RequiredScope,
    work: (ended: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const held: Held = { caller, scope, ending: new AbortController() };
    this.held.add(held);
    try {
      return await work(held.ending.signal);
    } finally {
      this.held.delete(held);
    }
  }

  /** One look at a time; what changes meanwhile is looked at after it. */
  private look(): void {
    if (this.held.size === 0) return;
    if (this.looking !== undefined) {
      this.mustLookAgain = true;
      return;
    }
    this.looking = outsideRequests(() => this.endWithoutRight())
      .catch((error: unknown) => this.log.warn({ err: error }, 'rights of open streams could not be checked'))
      .finally(() => {
        this.looking = undefined;
        if (!this.mustLookAgain) return;
        this.mustLookAgain = false;
        this.look();
      });
  }

  private async endWithoutRight(): Promise<void> {
    const all = [...this.held];
    const standing = await this.standingOf(all.map(({ caller }) => caller));
    for (const { caller, scope, ending } of all) {
      const refusal = this.refusal(caller, scope, standing);
      if (refusal !== undefined) ending.abort(refusal);
    }
  }

  private async standingOf(callers: readonly Caller[]): Promise<Standing> {
    const sessionIds = callers.flatMap(({ credential }) =>
      credential.kind === 'session' ? [credential.sessionId] : [],
    );
    const tokenIds = callers.flatMap(({ credential }) =>
      credential.kind === 'token' ? [credential.tokenId] : [],
    );
    const [sessions, tokens, roles] = await Promise.all([
      this.sessions.standing([...new Set(sessionIds)]),
      this.tokens.standing([...new Set(tokenIds)]),
      this.users.standing([...new Set(callers.map(({ userId }) => userId))]),
    ]);
    return { sessions, tokens, roles };
  }

  private refusal(caller: Caller, scope: RequiredScope, standing: Standing): DomainError | undefined {
    const role = standing.roles.get(caller.userId);
    if (role === undefined) return new DomainError('USER_SUSPENDED');
    if (!this.isGood(caller, standing)) {
      return new DomainError(caller.credential.kind === 'session' ? 'SESSION_ENDED' : 'NOT_AUTHENTICATED');
    }
    if (!this.rights.allows({ scopes: caller.scopes, role }, scope)) return new DomainError('FORBIDDEN');
    return undefined;
  }

  private isGood({ credential }: Caller, { sessions, tokens }: Standing): boolean {
    switch (credential.kind) {
      case 'session':
        return sessions.has(credential.sessionId);
      case 'provider':
        return credential.expiresAt > this.clock.now();
      case 'token':
        return tokens.has(credential.tokenId);
    }
  }
}
