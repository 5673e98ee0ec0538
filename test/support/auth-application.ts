import type { Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { AuditModule } from '../../src/audit/audit.module.js';
import { AuthModule } from '../../src/auth/auth.module.js';
import { Clock, SystemClock } from '../../src/common/clock.js';
import { ConfigurationModule } from '../../src/config/configuration.module.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { configureApp } from '../../src/configure-app.js';
import { DocumentationModule } from '../../src/documentation/documentation.module.js';
import { DatabaseModule } from '../../src/infrastructure/database/database.module.js';
import { Migrator } from '../../src/infrastructure/database/migrator.js';
import { FoundationModule } from '../../src/infrastructure/foundation.module.js';
import { ParleyAdapter } from '../../src/infrastructure/http/parley-adapter.js';
import { Browser } from './browser.js';
import type { ScriptedIdentityProvider } from './scripted-identity-provider.js';
import { testConfiguration } from './test-configuration.js';

const start = Date.parse('2026-11-20T12:00:00.000Z');

/** Time that stands still until a test moves it. */
export class ManualClock extends Clock {
  private ms = start;

  override now(): Date {
    return new Date(this.ms);
  }

  override monotonicMs(): number {
    return this.ms;
  }

  advance(seconds: number): void {
    this.ms += seconds * 1000;
  }

  reset(): void {
    this.ms = start;
  }
}

/** Browsers come by this name, whatever port the application listens on. */
export const publicOrigin = 'http://parley.test';

interface AuthApplicationOptions {
  readonly databaseUrl: string;
  readonly provider: ScriptedIdentityProvider;
  readonly clock?: Clock;
  readonly settings?: EmbeddedValues;
  readonly controllers?: readonly Type[];
}

/** The rooms that log people in, served over HTTP, with controllers of the test beside them. */
export class AuthApplication {
  private constructor(
    private readonly app: NestExpressApplication,
    readonly url: string,
    readonly provider: ScriptedIdentityProvider,
  ) {}

  static async start(options: AuthApplicationOptions): Promise<AuthApplication> {
    const configuration = testConfiguration({
      'database.url': options.databaseUrl,
      'oidc.issuer': options.provider.issuer,
      ...options.settings,
    });
    const clock = options.clock ?? new ManualClock();
    options.provider.now = () => clock.now();
    const testing = await Test.createTestingModule({
      imports: [
        ConfigurationModule.forRoot(configuration),
        FoundationModule,
        DatabaseModule,
        AuditModule,
        AuthModule,
        DocumentationModule,
      ],
      controllers: [...(options.controllers ?? [])],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    const app = testing.createNestApplication<NestExpressApplication>(
      new ParleyAdapter(options.clock ?? new SystemClock()),
      { bodyParser: false, logger: false },
    );
    configureApp(app);
    await app.get(Migrator).up();
    await app.listen(0, '127.0.0.1');
    return new AuthApplication(app, await app.getUrl(), options.provider);
  }

  get database(): DataSource {
    return this.app.get(DataSource);
  }

  get<Service>(service: Type<Service>): Service {
    return this.app.get(service);
  }

  browser(): Browser {
    return new Browser(this.url);
  }

  /** Starts a login and answers the URL of the provider. */
  async begin(browser: Browser, returnTo?: string): Promise<string> {
    const query = returnTo === undefined ? '' : `?returnTo=${encodeURIComponent(returnTo)}`;
    const response = await browser.navigate(`${this.url}/app/login${query}`);
    return response.headers.get('location') ?? '';
  }

  /** Brings an answer back, to the redirect URI of the first provider or of the one that is named. */
  complete(browser: Browser, answer: URLSearchParams, provider?: string): Promise<Response> {
    const path = `/app/login/callback${provider === undefined ? '' : `/${provider}`}`;
    return browser.navigate(`${this.url}${path}?${answer.toString()}`);
  }

  /** Logs somebody in, `ada` unless the claims say otherwise. */
  async logIn(claims: Record<string, unknown> = {}, browser = this.browser()): Promise<Browser> {
    const response = await this.complete(browser, this.provider.answer(await this.begin(browser), claims));
    if (response.status !== 302) throw new Error(`login failed: ${await response.text()}`);
    return browser;
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}

/** The code of a failure of `/api`. */
export async function codeOf(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string } };
  return error.code;
}

/** The code that an error page of `/app` shows. */
export async function pageCodeOf(response: Response): Promise<string | undefined> {
  return /<dt>Code<\/dt><dd>([A-Z_]+)<\/dd>/.exec(await response.text())?.[1];
}
