import { Inject, Injectable } from '@nestjs/common';
import { parse, serialize, type SerializeOptions } from 'cookie';
import type { Request, Response } from 'express';
import { Clock } from '../common/clock.js';
import { publicUrl } from '../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { isSecret } from './opaque-secret.js';
import type { IssuedCredentials } from './sessions/session-credentials.js';
import type { PresentedCredentials } from './sessions/session-endings.service.js';

/**
 * The three cookies that Parley sets. All are HttpOnly, SameSite=Lax, for the whole of this host and no other; over https they
 * are Secure under the `__Host-` prefix, with which a browser takes them from nobody else (RFC 6265bis, 4.1.3.2).
 */
@Injectable()
export class BrowserCookies {
  private readonly attributes: SerializeOptions;
  private readonly names: { readonly access: string; readonly refresh: string; readonly login: string };

  constructor(
    @Inject(CONFIGURATION) config: BootConfiguration,
    private readonly clock: Clock,
  ) {
    const secure = publicUrl(config).protocol === 'https:';
    const prefix = secure ? '__Host-' : '';
    this.attributes = { httpOnly: true, sameSite: 'lax', path: '/', secure };
    this.names = {
      access: `${prefix}parley_session`,
      refresh: `${prefix}parley_refresh`,
      login: `${prefix}parley_login`,
    };
  }

  credentials(request: Request): PresentedCredentials {
    const cookies = parse(request.headers.cookie ?? '');
    return { accessToken: cookies[this.names.access], refreshToken: cookies[this.names.refresh] };
  }

  setCredentials(response: Response, credentials: IssuedCredentials): void {
    this.set(response, this.names.access, credentials.accessToken, credentials.accessExpiresAt);
    this.set(response, this.names.refresh, credentials.refreshToken, credentials.idleExpiresAt);
  }

  clearCredentials(response: Response): void {
    const longAgo = new Date(0);
    this.set(response, this.names.access, '', longAgo);
    this.set(response, this.names.refresh, '', longAgo);
  }

  /** The secret by which a browser is known between the start of a login and its end. */
  loginSecret(request: Request): string | undefined {
    const secret = parse(request.headers.cookie ?? '')[this.names.login];
    return isSecret(secret) ? secret : undefined;
  }

  setLoginSecret(response: Response, secret: string, expiresAt: Date): void {
    this.set(response, this.names.login, secret, expiresAt);
  }

  private set(response: Response, name: string, value: string, expiresAt: Date): void {
    const maxAge = Math.max(0, Math.floor((expiresAt.getTime() - this.clock.now().getTime()) / 1000));
    response.append('Set-Cookie', serialize(name, value, { ...this.attributes, maxAge }));
  }
}
