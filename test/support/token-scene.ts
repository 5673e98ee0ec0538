import { expect } from '@jest/globals';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import { TokenUses } from '../../src/tokens/token-uses.service.js';
import { AuthApplication, ManualClock } from './auth-application.js';
import type { Browser } from './browser.js';
import { ScriptedIdentityProvider } from './scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from './test-postgres.js';
import { addTenant, ask } from './tokens.js';

export interface Person {
  readonly browser: Browser;
  readonly id: string;
}

/** The longest life of a token in here. */
export const maxLifetimeDays = 30;

/** Two replicas on one database, the second with self-service, and three people who stay: everybody else goes after each test. */
export class TokenScene {
  /** An admin, a user, and an admin of another tenant. */
  root!: Person;
  uma!: Person;
  eve!: Person;
  otherTenant!: string;
  /** Where the audit chain of the default tenant ended when the test began. */
  private chainBefore = '0';

  private constructor(
    private readonly testDatabase: TestDatabase,
    readonly provider: ScriptedIdentityProvider,
    readonly clock: ManualClock,
    readonly startReplica: (settings?: EmbeddedValues) => Promise<AuthApplication>,
    readonly app: AuthApplication,
    readonly selfService: AuthApplication,
  ) {}

  static async start(): Promise<TokenScene> {
    const database = await createTestDatabase();
    const provider = await ScriptedIdentityProvider.start();
    const clock = new ManualClock();
    const startReplica: TokenScene['startReplica'] = (more) =>
      AuthApplication.start({
        databaseUrl: database.url,
        provider,
        clock,
        settings: {
          'identity.groupRoles': { admins: 'admin', guests: 'guest', power: 'power_user' },
          'identity.tenantClaim': 'org',
          'tokens.maxLifetimeDays': maxLifetimeDays,
          ...more,
        },
      });
    const app = await startReplica();
    const selfService = await startReplica({ 'tokens.selfService': true });
    const scene = new TokenScene(database, provider, clock, startReplica, app, selfService);
    scene.otherTenant = await addTenant(app.database, provider.issuer, 'other');
    scene.root = await scene.logIn({ sub: 'root', groups: ['admins'] });
    scene.uma = await scene.logIn({ sub: 'uma' });
    scene.eve = await scene.logIn({ sub: 'eve', groups: ['admins'], org: 'other' });
    return scene;
  }

  async stop(): Promise<void> {
    await Promise.all([this.app.stop(), this.selfService.stop()]);
    await this.provider.stop();
    await this.testDatabase.drop();
  }

  /** Before each test. */
  async begin(): Promise<void> {
    const [head] = await this.app.database.query<{ seq: string }[]>(
      'SELECT seq FROM audit_heads WHERE tenant_id = $1',
      [defaultTenantId],
    );
    this.chainBefore = head?.seq ?? '0';
  }

  /** After each test. */
  async end(): Promise<void> {
    await Promise.all([this.app.get(TokenUses).flush(), this.selfService.get(TokenUses).flush()]);
    await this.app.database.query('DELETE FROM api_tokens');
    await this.app.database.query(`DELETE FROM users WHERE subject NOT IN ('root', 'uma', 'eve')`);
    this.clock.reset();
  }

  async logIn(claims: Record<string, unknown>, at = this.app): Promise<Person> {
    const browser = await at.logIn(claims);
    const { data } = await ask<{ id: string }>(browser, 'GET', '/api/user');
    return { browser, id: data.id };
  }

  inSeconds(seconds: number): string {
    return new Date(this.clock.now().getTime() + seconds * 1000).toISOString();
  }

  /** What a token is ordered with: a day for reading, unless told otherwise. */
  order(fields: Record<string, unknown> = {}): Record<string, unknown> {
    return { name: 'CI', scopes: ['read'], expiresAt: this.inSeconds(86_400), ...fields };
  }

  async issue(fields: Record<string, unknown> = {}, by = this.root): Promise<IssuedTokenDto> {
    const { status, data, error } = await ask(by.browser, 'POST', '/api/tokens', this.order(fields));
    expect([status, error?.code]).toEqual([201, undefined]);
    return data;
  }

  tokenRows(): Promise<Record<string, unknown>[]> {
    return this.app.database.query('SELECT * FROM api_tokens ORDER BY id');
  }

  /** Neither tokens nor users, and nothing is on record. */
  async expectNothingChanged(work: () => Promise<void>): Promise<void> {
    const look = async (): Promise<unknown> => [
      await this.tokenRows(),
      await this.app.database.query('SELECT * FROM users ORDER BY id'),
      await this.app.database.query('SELECT tenant_id, seq FROM audit_heads ORDER BY tenant_id'),
    ];
    const before = await look();
    await work();
    expect(await look()).toEqual(before);
  }

  /** What is on record in the default tenant since the test began. */
  audited(action: string): Promise<Record<string, unknown>[]> {
    return this.app.database.query(
      `SELECT actor_kind, target_id, details FROM audit_events
        WHERE tenant_id = $1 AND seq > $2 AND action = $3 ORDER BY seq`,
      [defaultTenantId, this.chainBefore, action],
    );
  }
}
