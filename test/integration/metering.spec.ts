import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import type { Budget } from '../../src/auth/caller.js';
import { SystemClock } from '../../src/common/clock.js';
import { Log } from '../../src/infrastructure/logging/log.js';
import { Metering } from '../../src/usage/metering.service.js';
import type { CallOrigin, CallResult, UsageRecord } from '../../src/usage/usage-record.js';
import { UsageRepository } from '../../src/usage/usage.repository.js';
import { eventually, Parley } from '../support/parley.js';
import { testConfiguration } from '../support/test-configuration.js';

let parley: Parley;
let database: DataSource;
let metering: Metering;
let owner: Pick<CallOrigin, 'tenantId' | 'userId'>;

beforeAll(async () => {
  parley = await Parley.start();
  await parley.first.logIn('ada');
  database = parley.first.database;
  metering = parley.first.app.get(Metering);
  const [user] = await database.query<[{ tenantId: string; userId: string }]>(
    `SELECT tenant_id AS "tenantId", id AS "userId" FROM users WHERE username = 'ada'`,
  );
  owner = user;
});

afterAll(() => parley.stop());

function origin(change: Partial<CallOrigin> = {}): CallOrigin {
  return {
    ...owner,
    id: v7(),
    tokenId: null,
    door: 'openai-chat',
    modelId: 'gpt',
    createdAt: new Date('2026-11-30T23:59:59.999Z'),
    ...change,
  };
}

function used(tokens: number, micros: number | null, currency = 'USD'): CallResult {
  return {
    status: 'complete',
    errorCode: null,
    provider: 'demo',
    providerModel: 'gpt-1',
    connectionId: 'c',
    personalKey: false,
    usage: { inputTokens: tokens - 1, outputTokens: 1, cachedInputTokens: 1 },
    estimated: false,
    cost: micros === null ? null : { micros, currency },
    firstTokenMs: 1,
    durationMs: 2,
  };
}

const estimate = (tokens: number, micros = 0): Pick<CallResult, 'usage' | 'cost'> => ({
  usage: { inputTokens: tokens, outputTokens: 0 },
  cost: { micros, currency: 'USD' },
});

function budget(tokens: number | null, costMicros: number | null): Budget {
  return { id: randomUUID(), tokens, costMicros };
}

async function spending({ id }: Budget): Promise<unknown> {
  const rows: unknown[] = await database.query(
    `SELECT month::text, tokens::int, cost_micros::int AS micros, reserved_tokens::int AS "reservedTokens",
            reserved_micros::int AS "reservedMicros" FROM budget_spending WHERE budget_id = $1`,
    [id],
  );
  return rows[0];
}

function recorded(ids: readonly string[]): Promise<Record<string, unknown>[]> {
  return database.query('SELECT * FROM usage_records WHERE id = ANY($1) ORDER BY id', [ids]);
}

describe('a budget', () => {
  it('lets no more begin once it is spent or set aside, however many ask at once', async () => {
    const monthly = budget(100, null);
    const calls = Array.from({ length: 50 }, () => origin());
    const opened = await Promise.allSettled(calls.map((call) => metering.open(call, monthly, estimate(30))));
    const refused = opened.filter(({ status }) => status === 'rejected');
    expect(refused).toEqual(
      refused.map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'BUDGET_EXHAUSTED' }),
      })),
    );
    // The fourth begins with 90 set aside: over by less than one estimate.
    expect(50 - refused.length).toBe(4);
    expect(await spending(monthly)).toMatchObject({ tokens: 0, reservedTokens: 120 });
  });

  it('of money counts what the call cost, in the month in which it began, and gives back what was set aside', async () => {
    const monthly = budget(null, 1000);
    const call = origin();
    await metering.open(call, monthly, estimate(10, 900));
    await metering.settle(call.id, used(7, 250));
    expect(await spending(monthly)).toEqual({
      month: '2026-11-01',
      tokens: 7,
      micros: 250,
      reservedTokens: 0,
      reservedMicros: 0,
    });
  });

  it('counts no money of another currency', async () => {
    const monthly = budget(null, 1000);
    const call = origin();
    await metering.open(call, monthly, { ...estimate(10), cost: { micros: 900, currency: 'EUR' } });
    await metering.settle(call.id, used(7, 250, 'EUR'));
    expect(await spending(monthly)).toMatchObject({ micros: 0, reservedMicros: 0 });
  });

  it('is charged once, whoever settles a call again', async () => {
    const monthly = budget(100, null);
    const call = origin();
    await metering.open(call, monthly, estimate(50));
    await Promise.all(Array.from({ length: 10 }, () => metering.settle(call.id, used(7, null))));
    expect(await spending(monthly)).toMatchObject({ tokens: 7, reservedTokens: 0 });
    expect(await recorded([call.id])).toHaveLength(1);
  });
});

describe('the record of a call', () => {
  it('has what is known of it', async () => {
    const call = origin({ door: 'native' });
    await metering.open(call, undefined, estimate(5));
    await metering.settle(call.id, used(7, 250));
    expect(await recorded([call.id])).toEqual([
      {
        id: call.id,
        tenant_id: owner.tenantId,
        user_id: owner.userId,
        token_id: null,
        door: 'native',
        model_id: 'gpt',
        provider_model: 'gpt-1',
        provider: 'demo',
        connection_id: 'c',
        personal_key: false,
        status: 'complete',
        error_code: null,
        input_tokens: 6,
        output_tokens: 1,
        cached_input_tokens: 1,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        estimated: false,
        cost_micros: '250',
        currency: 'USD',
        first_token_ms: 1,
        duration_ms: 2,
        created_at: call.createdAt,
        recorded_at: expect.any(Date),
      },
    ]);
  });

  it('is as it was foreseen when nobody comes back', async () => {
    const monthly = budget(100, null);
    const call = origin();
    await metering.open(call, monthly, estimate(50, 3));
    await metering.abandon(call.id, database.manager);
    expect(await recorded([call.id])).toMatchObject([
      { status: 'interrupted', estimated: true, input_tokens: 50, cost_micros: '3', door: 'openai-chat' },
    ]);
    expect(await spending(monthly)).toMatchObject({ tokens: 50, reservedTokens: 0 });
  });
});

/** Accounting on a database that fails as often as is said. */
class FailingUsage extends UsageRepository {
  failures = 0;
  readonly batches: number[] = [];

  override async add(records: readonly UsageRecord[]): Promise<void> {
    // Sometimes what failed was done all the same.
    await super.add(records.slice(0, this.failures));
    if (this.failures-- > 0) throw new Error('Connection terminated unexpectedly');
    await super.add(records);
    this.batches.push(records.length);
  }
}

describe('records of calls that are not opened', () => {
  it('are written many at a time, each once, though writing fails half done', async () => {
    const usage = new FailingUsage(database);
    usage.failures = 1;
    const log = new Log({ 'log.level': 'fatal', 'log.format': 'json' });
    const config = testConfiguration({ 'database.url': 'postgres://127.0.0.1:1/none' });
    const batched = new Metering(usage, new SystemClock(), log, config);
    const calls = Array.from({ length: 120 }, () => origin());
    for (const call of calls) batched.note(call, used(7, 1), { isOpen: false });
    const rows = await eventually(async () => {
      const found = await recorded(calls.map(({ id }) => id));
      return found.length === calls.length ? found : undefined;
    });
    expect(rows).toHaveLength(120);
    await batched.beforeApplicationShutdown();
    expect(usage.batches.length).toBeLessThan(5);
    expect(usage.batches.reduce((sum, size) => sum + size, 0)).toBe(120);
  });
});
