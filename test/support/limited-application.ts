import { Body, Get, Injectable, Post, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { Public, Requires } from '../../src/auth/access.js';
import type { Caller, IdentifiedRequest } from '../../src/auth/caller.js';
import { Clock, SystemClock } from '../../src/common/clock.js';
import { ConfigurationModule } from '../../src/config/configuration.module.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { configureApp } from '../../src/configure-app.js';
import { DocumentationModule } from '../../src/documentation/documentation.module.js';
import { FoundationModule } from '../../src/infrastructure/foundation.module.js';
import { BodyGuard } from '../../src/infrastructure/http/body.guard.js';
import { NativeController } from '../../src/infrastructure/http/native-controller.js';
import { RateLimitGuard } from '../../src/rate-limits/rate-limit.guard.js';
import { Limited } from '../../src/rate-limits/rate-limit.js';
import { RateLimits } from '../../src/rate-limits/rate-limits.js';
import { RateLimitsModule } from '../../src/rate-limits/rate-limits.module.js';
import { testConfiguration } from './test-configuration.js';
import { ParleyAdapter } from '../../src/infrastructure/http/parley-adapter.js';

/** The people and tokens of a test, by name. */
const callers = new Map<string, Caller>();

export function introduce(name: string, caller: Caller): void {
  callers.set(name, caller);
}

/** Believes everybody: who asks is what limits are about here, not how they prove it. */
@Injectable()
class BelievingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<IdentifiedRequest>();
    const caller = callers.get(String(request.headers['x-name']));
    if (caller !== undefined) request.caller = caller;
    return true;
  }
}

@NativeController('limited', 'Test')
class LimitedController {
  constructor(private readonly limits: RateLimits) {}

  @Get('list')
  @Requires('threads:read')
  @Limited('threadsList')
  list(): string {
    return 'list';
  }

  @Get('other')
  @Requires('threads:read')
  other(): string {
    return 'other';
  }

  @Get('another')
  @Requires('threads:read')
  another(): string {
    return 'another';
  }

  @Get('fails')
  @Requires('threads:read')
  fails(): never {
    throw new Error('nobody foresaw this');
  }

  @Get('public')
  @Public()
  @Limited('login')
  open(): string {
    return 'open';
  }

  @Post('login')
  @Public()
  async logIn(@Body() { account }: Record<string, string>): Promise<string> {
    await this.limits.consume('loginPerAccount', account ?? '');
    return 'in';
  }
}

interface Options {
  readonly settings: EmbeddedValues;
  readonly clock?: Clock;
}

/** The limits as everything is wired, before routes that do nothing. */
export class LimitedApplication {
  private constructor(
    readonly app: NestExpressApplication,
    private readonly url: string,
  ) {}

  static async start({ settings, clock = new SystemClock() }: Options): Promise<LimitedApplication> {
    const testing = await Test.createTestingModule({
      imports: [
        ConfigurationModule.forRoot(testConfiguration(settings)),
        FoundationModule,
        DocumentationModule,
        RateLimitsModule,
      ],
      controllers: [LimitedController],
      providers: [
        { provide: APP_GUARD, useClass: BelievingGuard },
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: BodyGuard },
      ],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    const app = testing.createNestApplication<NestExpressApplication>(new ParleyAdapter(clock), {
      bodyParser: false,
      logger: false,
    });
    configureApp(app);
    await app.listen(0, '127.0.0.1');
    return new LimitedApplication(app, await app.getUrl());
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** As somebody, from somewhere, as far as the proxies are believed. */
  async ask(path: string, { name = '', from = '' } = {}): Promise<Response> {
    const response = await this.fetch(`/api/limited/${path}`, {
      headers: { 'x-name': name, ...(from === '' ? {} : { 'x-forwarded-for': from }) },
    });
    await response.text();
    return response;
  }

  async logIn(account: string): Promise<Response> {
    const response = await this.fetch('/api/limited/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account }),
    });
    await response.text();
    return response;
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}

/** What the headers say: limit, remaining, reset, window. */
export function shownLimit({ headers }: { readonly headers: Headers }): (string | null)[] {
  return ['limit', 'remaining', 'reset', 'window'].map((name) => headers.get(`x-ratelimit-${name}`));
}
