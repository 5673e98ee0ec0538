import { fromWireId } from '../../../src/common/ids.js';
import type { UsageRow as StoredUsageRow } from '../../support/usage-row.js';
import type { Told } from './caller.js';
import type { CallPlan, Refusal } from './call-plan.js';
import { total, type Counted } from './call-script.js';
import type { Attempt } from './counting-upstream.js';
import { doorWords } from './doors.js';
import { costMicros, priceOf } from './prices.js';
import type { HeldToken } from './scene.js';

/** Of a call that was made with a token. */
export interface UsageRow extends StoredUsageRow {
  readonly token_id: string;
}

/** One call, by what everybody but Parley knows of it. */
export interface KnownCall {
  readonly plan: CallPlan;
  readonly told: Told;
  readonly attempts: readonly Attempt[];
  readonly token: HeldToken;
}

const refusedBy: Readonly<Record<Refusal, number>> = {
  body: 400,
  model: 404,
  parameter: 400,
  budget: 429,
  token: 401,
};

/** What is wrong with the records of one call, each as one line. */
export function mistakesOf(call: KnownCall, records: readonly UsageRow[]): string[] {
  const { plan, told, attempts } = call;
  const [record] = records;
  const wrong =
    plan.refusal === undefined
      ? [...countMistakes(call, records), ...(record === undefined ? [] : recordMistakes(call, record))]
      : [
          ...unless(isRefused(call, plan.refusal), `answered ${told.status ?? 'nothing'}`),
          ...unless(attempts.length === 0, 'a vendor was asked'),
          ...unless(records.length === 0, 'has a record'),
        ];
  const heard = { ...told, text: told.text.slice(-300) };
  return wrong.map((mistake) => `${mistake}: ${JSON.stringify({ plan, told: heard, attempts, records })}`);
}

/** What is made in the background begins before it is held against a budget: then it has failed. */
function isRefused({ plan, told }: KnownCall, refusal: Refusal): boolean {
  const isLate = plan.isBackground && refusal === 'budget';
  return told.status === (isLate ? 200 : refusedBy[refusal]) && !told.isWhole;
}

/** What the vendor stated of a call whose end everybody has heard; undefined for all others. */
export function settledTokens({ told, attempts }: KnownCall): Counted | undefined {
  return told.isWhole ? attempts.at(-1)?.stated : undefined;
}

export function recordedTokens(record: UsageRow): Counted {
  return {
    input: record.input_tokens,
    output: record.output_tokens,
    cached: record.cached_input_tokens,
    cacheWrite: record.cache_write_tokens,
    reasoning: record.reasoning_tokens,
  };
}

/** What the records of a token spend of its budget: tokens, and money in dollars. */
export function spentBy(records: readonly UsageRow[]): { tokens: number; micros: number } {
  const { input, output } = total(records.map(recordedTokens));
  const paid = records.filter(({ currency }) => currency === 'USD');
  return {
    tokens: input + output,
    micros: paid.reduce((sum, record) => sum + Number(record.cost_micros), 0),
  };
}

/** Who left before anybody was asked may have been gone before it was a call. */
function countMistakes({ told, attempts }: KnownCall, { length }: readonly UsageRow[]): string[] {
  const mayHaveNone = told.hasLeft && attempts.length === 0;
  return unless(length === 1 || (length === 0 && mayHaveNone), `${length} records`);
}

function recordMistakes(call: KnownCall, record: UsageRow): string[] {
  const { plan, told, token, attempts } = call;
  const isOfMessage = doorWords[plan.door].isForThreads && told.messageId !== undefined;
  const messageId = isOfMessage ? fromWireId('message', told.messageId ?? '') : record.id;
  const last = attempts.at(-1);
  // Of a router the next one may have been chosen, and not yet asked, when nobody wanted it any more.
  const isOfLast =
    last === undefined ||
    wasStopped(told) ||
    isSame([record.provider, record.provider_model], [last.provider, last.model]);
  return [
    ...unless(record.door === plan.door && record.user_id === token.userId, 'of somebody else'),
    ...unless(record.id === messageId, 'not of its message'),
    ...unless(isOfLast, 'of another model'),
    ...statusMistakes(call, record),
    ...tokenMistakes(call, record),
    ...costMistakes(record),
    ...timeMistakes(record),
  ];
}

function wasStopped({ hasLeft, hasCancelled }: Told): boolean {
  return hasLeft || hasCancelled;
}

function statusMistakes({ told, attempts }: KnownCall, { status, error_code: code }: UsageRow): string[] {
  const isWhole = attempts.at(-1)?.isWhole === true;
  return [
    ...unless(!told.isWhole || status === 'complete', 'not complete, though it was told so'),
    ...unless(status !== 'complete' || isWhole, 'complete, though the vendor did not finish'),
    ...unless(status !== 'cancelled' || wasStopped(told), 'cancelled by nobody'),
    ...unless(wasStopped(told) || isWhole === (status === 'complete'), 'ended otherwise than at the vendor'),
    ...unless((code === null) === (status === 'complete') || status === 'cancelled', 'without its error'),
  ];
}

function tokenMistakes(call: KnownCall, record: UsageRow): string[] {
  const stated = call.attempts.at(-1)?.stated;
  const recorded = recordedTokens(record);
  const isComplete = record.status === 'complete';
  return [
    ...unless(!isComplete || record.estimated === (stated === undefined), 'estimated, or not, wrongly'),
    ...unless(record.estimated || isSame(recorded, stated), 'other tokens than the vendor stated'),
    ...(record.estimated ? estimateMistakes(call, recorded) : []),
  ];
}

/** By our own count, which is on the high side: a question is some dozens of tokens, a piece of text five at most. */
function estimateMistakes({ told, attempts }: KnownCall, { input, output }: Counted): string[] {
  const pieces = attempts.at(-1)?.pieces ?? 0;
  const hasRead = told.text.includes('word ');
  return [
    ...unless(attempts.length === 0 || (input > 20 && input < 200), `${input} tokens asked`),
    ...unless(output <= 5 * pieces && (output > 0 || !hasRead), `${output} tokens answered`),
  ];
}

function isSame(one: object, other: object | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function costMistakes(record: UsageRow): string[] {
  const price = record.provider_model === null ? undefined : priceOf(record.provider_model);
  const cost = price === undefined ? null : String(costMicros(recordedTokens(record), price));
  return [
    ...unless(
      record.cost_micros === cost,
      `costs ${record.cost_micros ?? 'nothing'} instead of ${cost ?? 'nothing'}`,
    ),
    ...unless(record.currency === (price?.currency ?? null), 'in another currency'),
  ];
}

function timeMistakes({ status, first_token_ms: first, duration_ms: duration }: UsageRow): string[] {
  const isTimed = first === null ? status !== 'complete' : 0 <= first && first <= duration;
  return unless(isTimed, 'with impossible times');
}

function unless(isGood: boolean, mistake: string): string[] {
  return isGood ? [] : [mistake];
}
