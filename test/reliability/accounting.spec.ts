import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { UsageGroupDto } from '../../src/usage/dto/usage.dto.js';
import { eventually } from '../support/parley.js';
import {
  mistakesOf,
  recordedTokens,
  settledTokens,
  spentBy,
  type KnownCall,
  type UsageRow,
} from './accounting/books.js';
import { CallPlans, models, spentToken, type CallPlan } from './accounting/call-plan.js';
import { total } from './accounting/call-script.js';
import { Caller } from './accounting/caller.js';
import { AccountingScene, type HeldToken } from './accounting/scene.js';
import { most, report, rounds, seed } from './extent.js';
import { SeededRandom } from './seeded-random.js';

const calls = rounds({ short: 400, long: 10_000 });
const callers = 50;
const callsOfEach = rounds({ short: 4, long: 40 });
const patienceMs = 10_000;
jest.setTimeout(120_000 + calls * 100);

let scene: AccountingScene;
let caller: Caller;

beforeAll(async () => {
  scene = await AccountingScene.start();
  caller = new Caller(scene.installation.balancer.url, scene.upstream);
});

afterAll(() => scene.stop());

type MadeCall = Omit<KnownCall, 'attempts'>;

/** Every third may spend what it likes, the others so much that it is never spent; people take turns. */
async function issueTokens(count: number): Promise<HeldToken[]> {
  const plenty = 10 ** 12;
  const limits = [{}, { monthlyTokenBudget: plenty }, { monthlyCostBudget: plenty }];
  const tokens = [await scene.token(scene.ada, { monthlyTokenBudget: 1 })];
  while (tokens.length < count) {
    const owner = tokens.length % 2 === 0 ? scene.ada : scene.paul;
    tokens.push(await scene.token(owner, limits[tokens.length % limits.length]));
  }
  return tokens;
}

/** One that is answered whole and read to the end. */
function plainCall(change: Pick<CallPlan, 'number'> & Partial<CallPlan>): CallPlan {
  return {
    ...{ door: 'openai-chat', streams: false, isBackground: false, behaviour: 'reads', moment: 0 },
    ...{ model: models.compatible[0] ?? '', token: 0, refusal: undefined },
    ...{ acts: ['whole'], chunks: 4, intervalMs: 1 },
    counted: { input: 15, output: 85, cached: 0, cacheWrite: 0, reasoning: 0 },
    maxOutputTokens: 200,
    ...change,
  };
}

async function make(plan: CallPlan, token: HeldToken | undefined, by = caller): Promise<MadeCall> {
  if (token === undefined) throw new Error('There are as many tokens as are planned with.');
  return { plan, token, told: await by.carryOut(plan, token.secret) };
}

async function makeAll(plans: readonly CallPlan[], tokens: readonly HeldToken[]): Promise<MadeCall[]> {
  const waiting = plans.values();
  const made: MadeCall[] = [];
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (const plan of waiting) made.push(await make(plan, tokens[plan.token]));
    }),
  );
  return made;
}

function recordsOf(tokens: readonly HeldToken[]): Promise<UsageRow[]> {
  const ids = tokens.map(({ id }) => id);
  return scene.installation.query('SELECT * FROM usage_records WHERE token_id = ANY($1)', [ids]);
}

/**
 * A call at each replica, and its record: records are written in the order in which calls end, so all of the calls before it have theirs.
 * @param tokens without a budget
 */
async function lastCalls(tokens: readonly HeldToken[]): Promise<MadeCall[]> {
  return Promise.all(
    scene.installation.replicas.map(async ({ url }, index) => {
      const token = tokens[index];
      const plan = plainCall({ number: calls + index + 1 });
      const made = await make(plan, token, new Caller(url, scene.upstream));
      await eventually(async () => ((await recordsOf([made.token])).length > 0 ? true : undefined));
      return made;
    }),
  );
}

const keyOfCall = ({ token, plan }: MadeCall): string => `${token.id} ${plan.model}`;
const keyOfRecord = (record: UsageRow): string => `${record.token_id} ${record.model_id}`;

/** Every call with its records. */
function matched(
  known: readonly KnownCall[],
  records: readonly UsageRow[],
): (readonly [KnownCall, UsageRow[]])[] {
  const byCall = Map.groupBy(records, keyOfRecord);
  return known.map((call) => [call, byCall.get(keyOfCall(call)) ?? []]);
}

/** Waits a while for the record of each call that a vendor knows of; which have none is to be looked at afterwards. */
async function recorded(made: readonly MadeCall[], tokens: readonly HeldToken[]): Promise<void> {
  const asked = made.filter(({ plan }) => scene.upstream.attemptsOf(plan.number).length > 0);
  await eventually(async () => {
    const keys = new Set((await recordsOf(tokens)).map(keyOfRecord));
    return asked.every((call) => keys.has(keyOfCall(call))) || undefined;
  }, patienceMs).catch(() => undefined);
}

function countBy<Item>(items: readonly Item[], by: (item: Item) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, by)].map(([name, { length }]) => [name, length]));
}

describe('calls by every door, with answers that fail, callers who leave and people who cancel', () => {
  it('have exactly one record each, with what the vendor counted, and spend what their records say', async () => {
    const plans = new CallPlans(new SeededRandom(seed));
    const planned = Array.from({ length: calls }, () => plans.next());
    const tokens = await issueTokens(1 + most(planned.map(({ token }) => token)));
    const last = [await scene.token(scene.ada), await scene.token(scene.paul)];
    const begunAt = performance.now();
    const made = [await make(plainCall({ number: 0, token: spentToken }), tokens[spentToken])];
    made.push(...(await makeAll(planned, tokens)));
    const seconds = (performance.now() - begunAt) / 1000;
    const unsettled = await scene.unsettled();
    await recorded(made, tokens);
    made.push(...(await lastCalls(last)));

    const known = made.map((call) => ({ ...call, attempts: scene.upstream.attemptsOf(call.plan.number) }));
    const records = await recordsOf([...tokens, ...last]);
    const pairs = matched(known, records);
    const mistakes = pairs.flatMap(([call, own]) => mistakesOf(call, own));
    const charged = pairs.flatMap(([{ attempts }, own]) => (attempts.length === 0 ? own : []));
    const settled = pairs.filter(([call]) => settledTokens(call) !== undefined);
    const stated = total(settled.flatMap(([call]) => settledTokens(call) ?? []));
    report('accounting', {
      calls: known.length,
      seconds: Math.round(seconds),
      askedOfVendors: known.reduce((sum, { attempts }) => sum + attempts.length, 0),
      records: records.length,
      byStatus: countBy(records, ({ status }) => status),
      byDoor: countBy(records, ({ door }) => door),
      behaviours: countBy(known, ({ plan }) => plan.refusal ?? plan.behaviour),
      estimated: records.filter(({ estimated }) => estimated).length,
      unasked: charged.length,
      chargedUnasked: charged.filter(({ input_tokens: input }) => input > 0).length,
      settled: settled.length,
      stated,
      mistakes: mistakes.length,
    });
    expect(mistakes.slice(0, 5)).toEqual([]);
    expect(unsettled).toBe(0);
    expect(pairs.flatMap(([, own]) => own).length).toBe(records.length);
    expect(Object.keys(countBy(records, ({ status }) => status))).toHaveLength(4);
    expect(total(settled.flatMap(([, own]) => own.map(recordedTokens)))).toEqual(stated);
    expect(scene.upstream.surprises).toEqual([]);
    await expectSpending(tokens, records);
    await expectReport();
  });
});

/** Each budget is charged with what the records of its token say, and nothing is set aside any more. */
async function expectSpending(tokens: readonly HeldToken[], records: readonly UsageRow[]): Promise<void> {
  const ofToken = Map.groupBy(records, ({ token_id: id }) => id);
  const budgeted = tokens.filter(({ hasBudget, id }) => hasBudget && ofToken.has(id));
  const spending = await scene.spending();
  expect(budgeted.map(({ id }) => spending.get(id))).toEqual(
    budgeted.map(({ id }) => ({
      id,
      ...spentBy(ofToken.get(id) ?? []),
      reservedTokens: 0,
      reservedMicros: 0,
    })),
  );
}

/** What is told of usage is all of it. */
async function expectReport(): Promise<void> {
  const records = await scene.installation.query<UsageRow>('SELECT * FROM usage_records');
  const { data } = await scene.ada.ask<UsageGroupDto[]>('GET', '/api/usage?groupBy=door');
  expect(Object.fromEntries(data.map(({ key, requests }) => [key.door, requests]))).toEqual(
    countBy(records, ({ door }) => door),
  );
  const { input, output } = total(records.map(recordedTokens));
  expect(data.reduce((sum, { tokens }) => sum + tokens.input + tokens.output, 0)).toBe(input + output);
}

const raced = ['openai-chat', 'anthropic-messages', 'openai-responses', 'native'] as const;
const refusals = ['429 insufficient_quota', '429 rate_limit_error', '429 BUDGET_EXHAUSTED'];

/** What a budget is in: how much of it is spent, and how much is set aside. */
interface Kind {
  readonly limit: string;
  readonly spent: 'tokens' | 'micros';
  readonly reserved: 'reservedTokens' | 'reservedMicros';
}

const kinds: readonly Kind[] = [
  { limit: 'monthlyTokenBudget', spent: 'tokens', reserved: 'reservedTokens' },
  { limit: 'monthlyCostBudget', spent: 'micros', reserved: 'reservedMicros' },
];

/** What is set aside for a call: it is looked at while that is under way. */
async function estimateFor(plan: CallPlan, { limit, reserved }: Kind): Promise<number> {
  const token = await scene.token(scene.ada, { [limit]: 10 ** 6 });
  const making = make({ ...plan, chunks: 9, intervalMs: 90 }, token);
  const look = async (): Promise<number> => (await scene.spending()).get(token.id)?.[reserved] ?? 0;
  const estimate = await eventually(async () => (await look()) || undefined);
  await making;
  return estimate;
}

function refusalOf({ told }: MadeCall): string {
  const { error } = JSON.parse(told.text) as { error: { code?: string; type: string } }; // As all doors have it.
  return `${told.status ?? 0} ${error.code ?? error.type}`;
}

/** Many at once, and then one after the other until there is nothing left. */
async function spendAll(token: HeldToken, plans: readonly CallPlan[]): Promise<MadeCall[]> {
  const made: MadeCall[] = [];
  const makeNext = async (turn: number): Promise<MadeCall> => {
    const call = await make(plans[turn % plans.length] ?? plainCall({ number: 0 }), token);
    made.push(call);
    return call;
  };
  await Promise.all(
    Array.from({ length: callers }, async (_, index) => {
      for (let turn = 0; turn < callsOfEach; turn++) await makeNext(index + turn);
    }),
  );
  await scene.unsettled();
  while ((await makeNext(0)).told.isWhole) await scene.unsettled();
  return made;
}

/** Looks again and again; `end` answers the most that was ever spent and set aside together. */
function watchSpending(
  { id }: HeldToken,
  { spent, reserved }: Kind,
): { readonly end: () => Promise<number> } {
  let isOver = false;
  const look = async (): Promise<number> => {
    let mostTaken = 0;
    while (!isOver) {
      const spending = (await scene.spending()).get(id);
      mostTaken = Math.max(mostTaken, (spending?.[spent] ?? 0) + (spending?.[reserved] ?? 0));
    }
    return mostTaken;
  };
  const looking = look();
  return {
    end: () => {
      isOver = true;
      return looking;
    },
  };
}

describe('a budget that many spend at once', () => {
  it.each(kinds)('of $spent is overrun by less than one estimate; then calls are refused', async (kind) => {
    const budget = callers * callsOfEach * 30;
    const token = await scene.token(scene.ada, { [kind.limit]: budget });
    const plans = raced.map((door, index) =>
      plainCall({ number: 1_000_000 + index, door, streams: index % 2 === 0, intervalMs: 10 }),
    );
    const estimate = most(await Promise.all(plans.map((plan) => estimateFor(plan, kind))));
    const watch = watchSpending(token, kind);
    const made = await spendAll(token, plans);
    const mostTaken = await watch.end();

    const spending = (await scene.spending()).get(token.id);
    const records = await recordsOf([token]);
    const refused = made.filter(({ told }) => !told.isWhole);
    const served = made.length - refused.length;
    report('budget of many', { budget, estimate, mostTaken, ...spending, served, refused: refused.length });
    expect(refused.map(refusalOf).filter((refusal) => !refusals.includes(refusal))).toEqual([]);
    expect(records.length).toBe(served);
    expect(spending).toEqual({ id: token.id, ...spentBy(records), reservedTokens: 0, reservedMicros: 0 });
    expect(spending?.tokens).toBe(served * 100);
    expect(spending?.[kind.spent]).toBeGreaterThanOrEqual(budget);
    expect(mostTaken).toBeLessThan(budget + estimate);
  });
});
