import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import type { MessagesService } from '../messages/messages.service.js';
import { FollowedJournals } from './followed-journals.js';
import type { JournalEvent } from './generation-event.js';
import type { Journal, JournalLook } from './journal.js';

const still = new AbortController().signal;

/** What is looked at of an answer under way. */
function answerOf(id: string): Message {
  const answer: Partial<Message> = {
    ...{ id, parentId: null, threadId: '019aa0c0-0000-7000-8000-000000000001', modelId: 'm', parts: [] },
    ...{ status: 'complete', createdAt: new Date(0), updatedAt: new Date(0) },
    ...{ inputTokens: null, outputTokens: null, cachedTokens: null, finishReason: 'stop' },
  };
  return answer as Message;
}

const one = answerOf('019aa0c0-0000-7000-8000-00000000000a');
const other = answerOf('019aa0c0-0000-7000-8000-00000000000b');
const abc: JournalEvent = { type: 'token', token: 'abc' };
const def: JournalEvent = { type: 'token', token: 'def' };
const rows: JournalLook['rows'] = [
  { firstEvent: 1002, events: [abc] },
  { firstEvent: 1005, events: [def] },
];

interface Question {
  readonly places: Parameters<Journal['look']>[0];
  readonly answer: (looks: JournalLook[]) => void;
}

let journals: FollowedJournals;
let questions: Question[];
let asked: PromiseWithResolvers<undefined>;
/** How messages are read, by their id. */
let messages: Map<string, Promise<Message>>;

/** The next question to the journal, once it is asked. */
async function question(): Promise<Question> {
  for (;;) {
    const next = questions.shift();
    if (next !== undefined) return next;
    await asked.promise;
  }
}

/** Its rows after the place that is asked for. */
function answerWith({ places, answer }: Question, known: number): void {
  answer(
    places.map(({ messageId, row }) => ({
      ...{ messageId, isGenerating: true },
      rows: rows.slice(0, known).filter(({ firstEvent }) => firstEvent > row),
    })),
  );
}

beforeEach(() => {
  questions = [];
  asked = Promise.withResolvers();
  messages = new Map();
  const journal: Pick<Journal, 'look'> = {
    look: (places) =>
      new Promise((answer) => {
        questions.push({ places, answer });
        asked.resolve(undefined);
        asked = Promise.withResolvers();
      }),
  };
  const reading: Pick<MessagesService, 'get'> = {
    get: (_owner, id) => messages.get(id) ?? Promise.reject(new Error('Not asked for.')),
  };
  const log = new Log({ 'log.level': 'fatal', 'log.format': 'json' });
  journals = new FollowedJournals(journal as Journal, reading as MessagesService, log);
});

afterEach(async () => {
  jest.useRealTimers();
  for (const { answer } of questions) answer([]);
  await journals.beforeApplicationShutdown();
});

describe('a look at journals', () => {
  it('says nothing about an answer that is followed anew while it is under way', async () => {
    const first = journals.of(one).follow(0, still);
    await first.next();
    answerWith(await question(), 1);
    expect((await first.next()).value).toEqual({ number: 1002, event: abc });
    const underWay = await question();
    await first.return();
    const fresh = journals.of(one).follow(0, still);
    await fresh.next();
    const resumed = journals.of(one).follow(1002, still);
    const read = [fresh.next(), resumed.next()];
    answerWith(underWay, 2);
    answerWith(await question(), 2);
    expect((await Promise.all(read)).map(({ value }) => value)).toEqual([
      { number: 1002, event: abc },
      { number: 1005, event: def },
    ]);
    expect((await fresh.next()).value).toEqual({ number: 1005, event: def });
  });

  it('is over before the next, also when the end of one answer cannot be read', async () => {
    jest.useFakeTimers();
    const slow = Promise.withResolvers<Message>();
    messages.set(one.id, Promise.reject(new Error('Connection terminated unexpectedly')));
    messages.set(other.id, slow.promise);
    const readers = [one, other].map((answer) => journals.of(answer).follow(0, still));
    for (const reader of readers) await reader.next();
    await jest.advanceTimersByTimeAsync(0);
    const { places, answer } = await question();
    answer(places.map(({ messageId }) => ({ messageId, isGenerating: false, rows: [] })));
    // Longer than until the next look would be.
    await jest.advanceTimersByTimeAsync(1000);
    expect(questions).toEqual([]);
    slow.resolve(other);
    await jest.advanceTimersByTimeAsync(1000);
    expect((await readers[1]?.next())?.value).toMatchObject({ event: { type: 'message_complete' } });
    // It is asked for again.
    messages.set(one.id, Promise.resolve(one));
    const again = await question();
    expect(again.places.map(({ messageId }) => messageId)).toEqual([one.id]);
    again.answer([{ messageId: one.id, isGenerating: false, rows: [] }]);
    expect((await readers[0]?.next())?.value).toMatchObject({ event: { type: 'message_complete' } });
  });
});
