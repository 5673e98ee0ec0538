import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { DomainError } from '../../common/domain-error.js';
import { Log } from '../../infrastructure/logging/log.js';
import { defaultTenantId } from '../../tenants/default-tenant.js';
import type { LoginProfile } from '../../users/login-profile.js';
import { UsersService } from '../../users/users.service.js';

/** What is known of a login when it fails. */
export interface LoginAttempt {
  /** The name of the provider that was asked. */
  provider?: string;
  /** Whom it vouched for. */
  profile?: LoginProfile;
}

/** Keeps a record of logins that were refused. */
@Injectable()
export class LoginFailures {
  constructor(
    private readonly audit: AuditService,
    private readonly users: UsersService,
    private readonly log: Log,
  ) {}

  /** An answer to no attempt of that browser: on no record, which is for good, since anybody can send as many as they like. */
  noteUnasked(): void {
    this.log.info({ code: 'LOGIN_TRANSACTION_INVALID' }, 'an answer to no login of this browser');
  }

  /** Never fails itself: what the person is told is why they could not log in. */
  async note(error: unknown, { provider, profile }: LoginAttempt): Promise<void> {
    this.log.warn({ err: error, ...(provider === undefined ? {} : { provider }) }, 'login refused');
    try {
      await this.audit.record({
        tenantId: profile === undefined ? defaultTenantId : await this.users.tenantOf(profile),
        actor: { kind: 'anonymous' },
        action: 'login.failed',
        outcome: 'failure',
        details: {
          method: 'oidc',
          code: error instanceof DomainError ? error.code : 'INTERNAL_ERROR',
          ...(provider === undefined ? {} : { provider }),
          ...(profile === undefined ? {} : { issuer: profile.issuer, subject: profile.subject }),
        },
      });
    } catch (failure) {
      this.log.error({ err: failure }, 'a refused login could not be recorded');
    }
  }
}
