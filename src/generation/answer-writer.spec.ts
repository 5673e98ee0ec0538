import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '../common/clock.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import type { FinishedAnswer } from '../messages/message.js';
import type { MessagesService } from '../messages/messages.service.js';
import { AnswerWriter } from './answer-writer.js';
import type { Metering } from '../usage/metering.service.js';
import { callResult } from './call-result.js';
import type { AnsweredRoute, FollowUps } from './follow-ups.service.js';
import type { Journal } from './journal.js';

const message = { id: '019aa0c0-0000-7000-8000-000000000001' } as Message; // All that is looked at.
const outcome = {
  answer: { status: 'complete', parts: [{ type: 'text', text: 'Hello' }] } satisfies FinishedAnswer,
  failure: undefined,
  result: callResult({
    status: 'complete',
    errorCode: null,
    target: undefined,
    reported: undefined,
    counted: () => ({ inputTokens: 0, outputTokens: 0 }),
    firstTokenMs: 1,
    durationMs: 2,
  }),
};
const route: AnsweredRoute = {
  id: 'demo',
  targets: [],
  policy: { strategy: 'ordered', maxTargets: 1, cooldownMs: 0 },
  reach: { isOwnersOwn: true, models: null },
  hasGap: false,
};

/**
 * A writer on a database that answers each attempt with the next of `results`; the last one goes on for ever. A message is one that
 * has ended before, and is stored like that.
 */
function rig(...results: (Error | 'stored' | 'gone' | Message)[]): {
  writer: AnswerWriter;
  written: FinishedAnswer[];
} {
  const written: FinishedAnswer[] = [];
  let unheard: Message | undefined;
  const messages: Pick<MessagesService, 'finish' | 'find'> = {
    find: () => Promise.resolve(unheard ?? null),
    finish: (_message, answer) => {
      const result = (results.length > 1 ? results.shift() : results[0]) ?? 'gone';
      if (result instanceof Error) return Promise.reject(result);
      if (typeof result === 'object') {
        unheard = result;
        return Promise.resolve(null);
      }
      written.push(answer);
      return Promise.resolve(result === 'stored' ? message : null);
    },
  };
  const journal: Pick<Journal, 'close' | 'clear'> = {
    close: () => Promise.resolve(),
    clear: () => Promise.resolve(),
  };
  const metering: Pick<Metering, 'settle'> = { settle: () => Promise.resolve() };
  const followUps: Pick<FollowUps, 'arrange'> = { arrange: () => Promise.resolve() };
  const log = new Log({ 'log.level': 'fatal', 'log.format': 'json' });
  const writer = new AnswerWriter(
    messages as MessagesService,
    journal as Journal,
    metering as Metering,
    followUps as FollowUps,
    new SystemClock(),
    log,
  );
  return { writer, written };
}

const away = new Error('Connection terminated unexpectedly');
const refused = Object.assign(new Error('invalid byte sequence'), { code: '22021' });

describe('the end of an answer', () => {
  it('is written again while the database is away', async () => {
    const { writer, written } = rig(away, away, 'stored');
    expect(await writer.write(message, outcome, route)).toEqual({ message, failure: undefined });
    expect(written).toEqual([outcome.answer]);
  });

  it.each(['57014', '55P03', '42P01', '53100'])(
    'is kept and written again after SQLSTATE %s, which says nothing of what was sent',
    async (code) => {
      const { writer, written } = rig(Object.assign(new Error('canceled'), { code }), 'stored');
      expect(await writer.write(message, outcome, route)).toEqual({ message, failure: undefined });
      expect(written).toEqual([outcome.answer]);
    },
  );

  it('is a failure of the provider when the database refuses what it sent', async () => {
    const { writer, written } = rig(refused, 'stored');
    const { failure } = await writer.write(message, outcome, route);
    expect(failure?.code).toBe('PROVIDER_INVALID_RESPONSE');
    expect(written).toMatchObject([{ status: 'error', parts: [], errorCode: 'PROVIDER_INVALID_RESPONSE' }]);
  });

  it('is an interruption when somebody else has ended it', async () => {
    const { failure } = await rig('gone').writer.write(message, outcome, route);
    expect(failure?.code).toBe('GENERATION_INTERRUPTED');
  });

  it('is what is stored when it was committed before and nobody heard of it', async () => {
    const stored = { id: message.id, status: 'complete' } as Message; // All that is looked at.
    const { writer } = rig(away, stored);
    expect(await writer.write(message, outcome, route)).toEqual({ message: stored, failure: undefined });
  });

  it('is an interruption when it was ended before in another way', async () => {
    const stored = { id: message.id, status: 'interrupted' } as Message; // All that is looked at.
    const { failure } = await rig(stored).writer.write(message, outcome, route);
    expect(failure?.code).toBe('GENERATION_INTERRUPTED');
  });

  it('is left to the sweep at once when the process is about to end', async () => {
    const { writer } = rig(away);
    const written = writer.write(message, outcome, route);
    writer.hurry();
    expect((await written).failure?.code).toBe('GENERATION_INTERRUPTED');
    expect([...writer.leftBehind]).toEqual([message.id]);
  });
});
