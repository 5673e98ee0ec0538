import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { MessagePart } from '../messages/message.js';
import { AnswerParts } from './answer-parts.js';
import type { GenerationEvent, JournalEvent, NumberedEvent } from './generation-event.js';
import { LiveStream } from './live-stream.js';
import { appendLacking } from './stored-answer.js';
import { closeNumber, eventsOf, numberAfter } from './stream-position.js';

const still = new AbortController().signal;

/** Text in which a character may be two units, and signatures and tool calls anywhere among it. */
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
const events: fc.Arbitrary<JournalEvent[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: text.map((token): JournalEvent => ({ type: 'token', token })) },
    { weight: 2, arbitrary: text.map((token): JournalEvent => ({ type: 'reasoning', token })) },
    fc
      .tuple(fc.option(text, { nil: '' }), text)
      .map(([token, signature]): JournalEvent => ({ type: 'reasoning', token, signature })),
    text.map((id): JournalEvent => ({ type: 'tool_call', id, name: 'look', input: '{}' })),
  ),
  { maxLength: 20 },
);
const statuses = fc.array(fc.constant<JournalEvent>({ type: 'status', status: 'retrying', modelId: 'm' }), {
  maxLength: 3,
});

function partsOf(told: readonly GenerationEvent[]): readonly MessagePart[] {
  const parts = new AnswerParts();
  for (const event of told) {
    if (event.type === 'token' || event.type === 'reasoning' || event.type === 'tool_call') parts.add(event);
  }
  return parts.parts;
}

function streamOf(told: readonly JournalEvent[]): LiveStream {
  const stream = new LiveStream();
  for (const event of told) stream.append(event);
  stream.append({ type: 'close' });
  return stream;
}

async function collect(stream: LiveStream, after: number): Promise<NumberedEvent[]> {
  const seen: NumberedEvent[] = [];
  for await (const event of stream.follow(after, still)) seen.push(event);
  return seen;
}

describe('the number of an event', () => {
  it('says what a reader has: who comes back anywhere gets the rest, nothing twice and nothing missing', async () => {
    await fc.assert(
      fc.asyncProperty(
        statuses,
        events,
        fc.array(fc.nat(60), { maxLength: 6 }),
        async (before, answer, cuts) => {
          const live = streamOf([...before, ...answer]);
          const all = partsOf(answer);
          // As another replica sends it, or this one after the answer was finished: in other pieces.
          const stored = streamOf([...eventsOf(all)]);
          const read: NumberedEvent[] = [];
          for (const [turn, cut] of cuts.entries()) {
            const after = read.at(-1)?.number ?? 0;
            read.push(...(await collect(turn % 2 === 0 ? live : stored, after)).slice(0, cut));
          }
          read.push(...(await collect(stored, read.at(-1)?.number ?? 0)));
          expect(partsOf(read.map(({ event }) => event))).toEqual(all);
          const numbers = read.map(({ number }) => number);
          expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('may be any: from the middle of an event its rest is sent', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.nat(12), async (token, known) => {
        const [first] = await collect(streamOf([{ type: 'token', token }]), 999 + known);
        const rest = token.slice(known);
        expect(first?.event).toEqual(rest === '' ? { type: 'close' } : { type: 'token', token: rest });
      }),
    );
  });

  it('is the same for a journal that was read in rows which grew meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.nat(20), fc.nat(20), async (answer, one, other) => {
        const [start, grown] = [Math.min(one, other), Math.max(one, other)];
        const whole = streamOf(answer);
        const journal = new LiveStream();
        appendLacking(journal, answer.slice(0, start), 0);
        const before = journal.position;
        appendLacking(journal, answer.slice(start, grown), before);
        appendLacking(journal, answer.slice(start), before);
        journal.append({ type: 'close' });
        expect(await collect(journal, 0)).toEqual(await collect(whole, 0));
      }),
    );
  });

  it('stays below the answer, however often a model is tried again', () => {
    let number = numberAfter(0, {
      ...{ type: 'message_start', userMessageId: '', threadId: '', modelId: '', timestamp: '' },
    });
    for (let count = 0; count < 2000; count++) {
      number = numberAfter(number, { type: 'status', status: 'loading', modelId: 'm' });
    }
    expect(number).toBe(999);
    expect(numberAfter(number, { type: 'token', token: 'a' })).toBe(1000);
  });

  it('of the end is beyond every answer: who has more than was kept still hears how it ended', async () => {
    const read = await collect(streamOf([{ type: 'token', token: 'kept' }]), 999 + 5000);
    expect(read).toEqual([{ number: closeNumber, event: { type: 'close' } }]);
  });
});

it('parts that only a later version knows are no events', () => {
  // What the database gives is only thought to be a part.
  const unknown = { type: 'image', text: 'seen' } as unknown as MessagePart;
  const known: MessagePart = { type: 'text', text: 'Hello' };
  expect([...eventsOf([unknown, known, unknown])]).toEqual([{ type: 'token', token: 'Hello' }]);
});

describe('a long text', () => {
  it('is replayed in pieces, of which none ends in half a character', () => {
    const long = 'x' + '\u{1f600}'.repeat(10_000);
    const pieces = [...eventsOf([{ type: 'text', text: long }])].map((event) =>
      event.type === 'token' ? event.token : '',
    );
    expect(pieces.join('')).toBe(long);
    for (const piece of pieces) {
      expect(piece.isWellFormed()).toBe(true);
      expect(piece.length).toBeLessThanOrEqual(4097);
    }
  });
});
