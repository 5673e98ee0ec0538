import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { fromWireId } from '../../src/common/ids.js';
import type { UsageGroupDto } from '../../src/usage/dto/usage.dto.js';
import type { CallOrigin, CallResult } from '../../src/usage/usage-record.js';
import { UsageRepository } from '../../src/usage/usage.repository.js';
import { UsageRollups } from '../../src/usage/usage-rollups.js';
import { Parley, type Answer, type Person } from '../support/parley.js';
import { createTenant, idOf, logInAdmin, openDefaultTenant, tenantClaim } from '../support/people.js';

let parley: Parley;
let people: Record<'root' | 'ada' | 'bob' | 'eve' | 'chief', Person>;
const ids = new Map<Person, Pick<CallOrigin, 'tenantId' | 'userId'>>();

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim });
  await openDefaultTenant(parley);
  const { first } = parley;
  const root = await logInAdmin(first, 'root');
  await createTenant(parley, root, 'acme');
  const acme = { [tenantClaim]: 'acme' };
  people = {
    root,
    ada: await first.logIn('ada'),
    bob: await first.logIn('bob'),
    eve: await first.logIn('eve', acme),
    chief: await logInAdmin(first, 'chief', acme),
  };
  for (const person of Object.values(people)) {
    const userId = String(fromWireId('user', await idOf(person)));
    const [row] = await first.database.query<{ tenantId: string }[]>(
      'SELECT tenant_id AS "tenantId" FROM users WHERE id = $1',
      [userId],
    );
    ids.set(person, { userId, tenantId: String(row?.tenantId) });
  }
  await addRecords();
});

afterAll(() => parley.stop());

const day = (hours: number): Date => new Date(Date.UTC(2026, 9, 1, hours, 30));
const october = 'from=2026-10-01&to=2026-11-01';

interface Used {
  readonly by: Person;
  readonly at: Date;
  readonly model?: string;
  readonly change?: Partial<CallResult>;
}

function record({ by, at, model = 'gpt', change = {} }: Used): CallOrigin & CallResult {
  const owner = ids.get(by);
  if (owner === undefined) throw new Error('nobody');
  return {
    id: v7(),
    ...owner,
    tokenId: null,
    door: 'openai-chat',
    modelId: model,
    createdAt: at,
    status: 'complete',
    errorCode: null,
    provider: 'openai',
    providerModel: model,
    connectionId: 'c',
    personalKey: false,
    usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4, reasoningTokens: 2 },
    estimated: false,
    cost: { micros: 100, currency: 'USD' },
    firstTokenMs: 200,
    durationMs: 1000,
    ...change,
  };
}

async function addRecords(): Promise<void> {
  const { ada, bob, eve } = people;
  const failed = { status: 'error', errorCode: 'PROVIDER_TIMEOUT', cost: null, firstTokenMs: null } as const;
  const usage = parley.first.app.get(UsageRepository);
  const before = [
    record({ by: ada, at: day(0) }),
    record({ by: ada, at: day(1), change: { cost: { micros: 7, currency: 'EUR' } } }),
    record({ by: ada, at: day(25), model: '=claude,"x"' }),
    record({ by: bob, at: day(1), change: failed }),
    record({ by: eve, at: day(2) }),
  ];
  await usage.add(before);
  // As if a while ago, so that they are added up; what comes later is not yet.
  await parley.first.database.query(`UPDATE usage_records SET recorded_at = now() - interval '1 hour'`);
  const rollups = parley.first.app.get(UsageRollups);
  await Promise.all([rollups.run(), rollups.run()]);
  await usage.add([record({ by: ada, at: day(1) })]);
}

function report(person: Person, query = ''): Promise<Answer<UsageGroupDto[]>> {
  return person.ask('GET', `/api/usage?${october}${query}`);
}

async function requests(person: Person, query: string): Promise<unknown> {
  return (await report(person, query)).data.map((group) => [...Object.values(group.key), group.requests]);
}

describe('usage', () => {
  it('is not shown of another tenant, or all of them, to those who only run one', async () => {
    for (const person of [people.ada, people.chief]) {
      const { status, error } = await report(person, '&allTenants=true');
      expect([status, error?.code]).toEqual([403, 'FORBIDDEN']);
    }
    expect(await requests(people.chief, '&groupBy=model')).toEqual([['gpt', 1]]);
  });

  it.each([
    ['&groupBy=month', 400, 'VALIDATION_FAILED'],
    ['&userId=nobody', 400, 'VALIDATION_FAILED'],
  ])('is not told for %s', async (query, status, code) => {
    const answer = await report(people.ada, query);
    expect([answer.status, answer.error?.code]).toEqual([status, code]);
  });

  it.each(['from=2026-02-01&to=2026-01-01', 'from=2020-01-01&to=2026-01-01'])(
    'is not told for %s',
    async (range) => {
      const { status, error } = await people.ada.ask('GET', `/api/usage?${range}`);
      expect([status, error?.code]).toEqual([422, 'USAGE_RANGE_INVALID']);
    },
  );

  it('is one’s own, with what was added up and what was not yet', async () => {
    expect(await requests(people.ada, '&groupBy=day')).toEqual([
      ['2026-10-01', 3],
      ['2026-10-02', 1],
    ]);
    const [all] = (await report(people.ada, '&groupBy=door')).data;
    expect(all).toEqual({
      key: { door: 'openai-chat' },
      requests: 4,
      errors: 0,
      tokens: { input: 40, output: 20, cachedInput: 16, cacheWrite: 0, reasoning: 8 },
      cost: { USD: 300, EUR: 7 },
      firstToken: { p50: expect.any(Number), p95: expect.any(Number) },
      duration: { p50: expect.any(Number), p95: expect.any(Number) },
    });
    expect(Math.abs(Number(all?.duration.p50) - 1000)).toBeLessThan(100);
    // Somebody else's are not theirs, whoever they ask for.
    expect(await requests(people.ada, `&userId=${await idOf(people.bob)}`)).toEqual([]);
  });

  it('of a tenant is shown to its admins, by whatever they ask', async () => {
    const [ada, bob] = [await idOf(people.ada), await idOf(people.bob)];
    const groups = await requests(people.root, '&groupBy=user,model');
    expect(groups).toEqual(
      expect.arrayContaining([
        [ada, 'gpt', 3],
        [ada, '=claude,"x"', 1],
        [bob, 'gpt', 1],
      ]),
    );
    expect(groups).toHaveLength(3);
    expect((await report(people.root, `&groupBy=provider&userId=${bob}`)).data).toMatchObject([
      { key: { provider: 'openai' }, requests: 1, errors: 1, cost: {}, firstToken: { p50: null } },
    ]);
    expect(await requests(people.root, '&groupBy=token&modelId=gpt')).toEqual([[null, 4]]);
  });

  it('of all tenants is shown to those who run the installation', async () => {
    const groups = await requests(people.root, '&groupBy=tenant&allTenants=true');
    expect(groups).toEqual(expect.arrayContaining([[expect.stringMatching(/^tenant_/), 1]]));
    expect(groups).toHaveLength(2);
  });

  it('by the hour has the hours in which something was used', async () => {
    expect(await requests(people.ada, '&groupBy=hour')).toEqual([
      ['2026-10-01T00:00:00Z', 1],
      ['2026-10-01T01:00:00Z', 2],
      ['2026-10-02T01:00:00Z', 1],
    ]);
  });
});

describe('the export of usage', () => {
  it('is a line for each call that somebody may see, and no formula', async () => {
    const response = await people.ada.browser.fetch(`/api/usage/export?${october}`);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await response.text()).split('\r\n');
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^time,tenant,user,token,door,model,/);
    expect(lines[1]).toMatch(
      /^2026-10-01T00:30:00.000Z,tenant_\w+,user_\w+,,openai-chat,gpt,openai,gpt,false,complete,,10,5,/,
    );
    expect(lines[4]).toContain(`,"'=claude,""x""",`);
  });
});
