import { fromWireId } from '../../../src/common/ids.js';
import { idOf } from '../../support/people.js';
import { eventually, type Person } from '../../support/parley.js';
import { issueToken } from '../../support/programs.js';
import { Installation } from '../installation/installation.js';
import { models } from './call-plan.js';
import { CountingUpstream } from './counting-upstream.js';
import { priceOf } from './prices.js';

const patienceMs = 30_000;

/** A token, and the rows of Postgres that are its own. */
export interface HeldToken {
  readonly secret: string;
  readonly id: string;
  readonly userId: string;
  readonly hasBudget: boolean;
}

/** What was spent of the budget of a token. */
export interface Spending {
  /** Of the token. */
  readonly id: string;
  readonly tokens: number;
  readonly micros: number;
  readonly reservedTokens: number;
  readonly reservedMicros: number;
}

/** Two replicas in front of vendors that count, with models that have prices. */
export class AccountingScene {
  private constructor(
    readonly installation: Installation,
    readonly upstream: CountingUpstream,
    readonly ada: Person,
    readonly paul: Person,
  ) {}

  static async start(): Promise<AccountingScene> {
    const upstream = await CountingUpstream.start();
    const installation = await Installation.start({
      settings: {
        'generation.retryBaseDelayMs': 1,
        'tokens.selfService': true,
        'providers.compatible.baseUrl': upstream.url,
        'providers.compatible.models': [...models.compatible],
        'providers.anthropic.apiKey': 'sk-counted',
        'providers.anthropic.baseUrl': upstream.url,
        'providers.anthropic.models': [...models.claude],
      },
    });
    const ada = await installation.logIn('ada', { groups: ['admins'] });
    const scene = new AccountingScene(installation, upstream, ada, await installation.logIn('paul'));
    await scene.describeModels();
    return scene;
  }

  async stop(): Promise<void> {
    await this.installation.stop();
    await this.upstream.stop();
  }

  async token(owner: Person, limits: Readonly<Record<string, number>> = {}): Promise<HeldToken> {
    const { id, token } = await issueToken(owner, limits);
    const userId = fromWireId('user', await idOf(owner)) ?? '';
    const hasBudget = Object.keys(limits).length > 0;
    return { secret: token, id: fromWireId('token', id) ?? '', userId, hasBudget };
  }

  /** Of all tokens that have a budget, by the token. */
  async spending(): Promise<Map<string, Spending>> {
    const rows = await this.installation.query<Spending>(
      `SELECT token.id, sum(tokens)::float AS tokens, sum(cost_micros)::float AS micros,
              sum(reserved_tokens)::float AS "reservedTokens", sum(reserved_micros)::float AS "reservedMicros"
         FROM budget_spending spending JOIN api_tokens token ON token.budget_id = spending.budget_id GROUP BY token.id`,
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** How many promised calls are not settled after a while: waits until there are none. */
  async unsettled(): Promise<number> {
    let unsettled = 0;
    const look = async (): Promise<true | undefined> => {
      unsettled = (await this.installation.query('SELECT FROM open_calls')).length;
      return unsettled === 0 || undefined;
    };
    await eventually(look, patienceMs).catch(() => undefined);
    return unsettled;
  }

  private async describeModels(): Promise<void> {
    await Promise.all(
      [...models.compatible, ...models.claude].map(async (model) => {
        const pricing = priceOf(model);
        const isCompatible = models.compatible.includes(model);
        await this.done('PATCH', `/api/models/${model}`, {
          ...(pricing === undefined ? {} : { pricing }),
          ...(isCompatible ? { capabilities: ['chat', 'tools', 'embeddings'] } : { contextLength: 200_000 }),
        });
      }),
    );
    for (const [index, id] of models.router.entries()) {
      const targets = [{ model: models.compatible[index] }, { model: models.claude[index] }];
      await this.done('POST', '/api/models', {
        ...{ kind: 'router', id, name: id, scope: 'tenant' },
        targets,
      });
    }
    await eventually(async () => (await this.knownEverywhere()) || undefined);
  }

  private async done(method: string, path: string, body: object): Promise<void> {
    const { status, error } = await this.ada.ask(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${error?.code ?? ''}`);
  }

  /** Whether each replica has heard of every price and router. */
  private async knownEverywhere(): Promise<boolean> {
    const { secret } = await this.token(this.ada);
    const known = await Promise.all(
      this.installation.replicas.map(async ({ url }) => {
        const response = await fetch(`${url}/api/models`, { headers: { authorization: `Bearer ${secret}` } });
        const { data } = (await response.json()) as { data: { id: string; pricing: unknown }[] };
        const priced = data.filter(({ id, pricing }) => priceOf(id) !== undefined && pricing !== null);
        const routers = data.filter(({ id }) => models.router.includes(id));
        const wanted = [...models.compatible, ...models.claude].filter((id) => priceOf(id) !== undefined);
        return priced.length === wanted.length && routers.length === models.router.length;
      }),
    );
    return known.every(Boolean);
  }
}
