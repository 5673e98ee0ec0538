import { describe, expect, it } from '@jest/globals';
import type { GenerateMessage } from '../llm-providers/contract/generate-request.js';
import { textOf } from '../llm-providers/contract/text-of.js';
import type { CountedModel } from '../llm-providers/tokens/encodings.js';
import { TokenCounter } from '../llm-providers/tokens/token-counter.js';
import type { ContextLimits, EarlierConversation } from './context.js';
import { ContextService, historyBytes } from './context.service.js';
import type { EarlierMessage, MessagePart } from './message.js';

const estimated: CountedModel = { provider: 'openai-compatible', id: 'unheard-of' };
const counted: CountedModel = { provider: 'openai', id: 'gpt-4o' };
const unlimited: ContextLimits = { contextLength: undefined, maxOutputTokens: undefined };

/** A context with so many tokens for what goes in. */
function limitsOf(inputTokens: number): ContextLimits {
  return { contextLength: Math.ceil((inputTokens + 3) / 0.95) + 100, maxOutputTokens: 100 };
}

let ids = 0;

function message(role: EarlierMessage['role'], content: string, parts?: MessagePart[]): EarlierMessage {
  return {
    id: String(ids++).padStart(4, '0'),
    role,
    content,
    parts: parts ?? [{ type: 'text', text: content }],
  };
}

/** What was said, oldest first: by a person, an assistant, and so on. */
function said(...contents: readonly string[]): EarlierConversation {
  const messages = contents.map((content, index) => message(index % 2 === 0 ? 'user' : 'assistant', content));
  return { messages: messages.reverse(), isWhole: true, summary: undefined };
}

interface Scene {
  readonly model?: CountedModel;
  readonly systemPrompt?: string;
  readonly content?: string;
  readonly contexts?: ContextService;
}

async function contextOf(
  earlier: EarlierConversation,
  limits: ContextLimits,
  {
    model = estimated,
    systemPrompt,
    content = 'new',
    contexts = new ContextService(new TokenCounter()),
  }: Scene = {},
): Promise<GenerateMessage[]> {
  const room = await contexts.roomFor(model, { content, systemPrompt }, limits);
  if (room === undefined) throw new Error(noRoom);
  return (await contexts.assemble(room, earlier)).messages;
}

/** Of what is older than everything here. */
function kept(text: string): EarlierConversation['summary'] {
  return { text, throughId: '' };
}

const noRoom = 'there is no room for the new message';

/** As `role: text` each. */
function shown(messages: readonly GenerateMessage[]): string[] {
  return messages.map((one) => `${one.role}: ${one.role === 'tool' ? '' : textOf(one.parts)}`);
}

describe('the context of a message', () => {
  it('has no room when not even the new message fits', async () => {
    await expect(contextOf(said(), limitsOf(100), { content: 'word '.repeat(120) })).rejects.toThrow(noRoom);
  });

  it('has no room when the system prompt leaves none', async () => {
    const systemPrompt = 'word '.repeat(120);
    await expect(contextOf(said(), limitsOf(100), { systemPrompt })).rejects.toThrow(noRoom);
  });

  it('has no room for what is too long by the tokenizer of the model, not by its bytes', async () => {
    // 2,000 bytes, and 400 tokens.
    const content = ' word'.repeat(400);
    await expect(contextOf(said(), limitsOf(380), { model: counted, content })).rejects.toThrow(noRoom);
    expect(await contextOf(said(), limitsOf(420), { model: counted, content })).toHaveLength(1);
  });

  it('is everything, oldest first, when the limit is unknown', async () => {
    expect(shown(await contextOf(said('one', 'two'), unlimited, { content: 'three' }))).toEqual([
      'user: one',
      'assistant: two',
      'user: three',
    ]);
  });

  it('keeps the reserved output and five per cent free', async () => {
    // Both are 94 tokens with what is around them: 3 + 94 = 0.95 × (202 − 100).
    const content = ' word'.repeat(87);
    const limits = { contextLength: 202, maxOutputTokens: 100 };
    expect(await contextOf(said(), limits, { model: counted, content })).toHaveLength(1);
    for (const less of [{ contextLength: 201 }, { maxOutputTokens: 101 }]) {
      await expect(contextOf(said(), { ...limits, ...less }, { model: counted, content })).rejects.toThrow(
        noRoom,
      );
    }
  });

  it('leaves out the oldest when not everything fits, without gaps', async () => {
    const earlier = said('old', 'b '.repeat(300), 'recent', 'answer');
    expect(shown(await contextOf(earlier, limitsOf(100)))).toEqual([
      'user: recent',
      'assistant: answer',
      'user: new',
    ]);
  });

  it('does not begin with an assistant', async () => {
    const earlier = said('b '.repeat(300), 'answer', 'recent', 'another');
    expect(shown(await contextOf(earlier, limitsOf(100)))[0]).toBe('user: recent');
    expect(shown(await contextOf(said('b '.repeat(300), 'answer'), limitsOf(100)))).toEqual(['user: new']);
    const greeting = { ...said(), messages: [message('assistant', 'Welcome')] };
    expect(shown(await contextOf(greeting, unlimited))).toEqual(['user: new']);
  });

  it('holds more of what a tokenizer counts than of what is estimated', async () => {
    const earlier = said(...Array.from({ length: 20 }, () => ' and some more words of a conversation'));
    const some = await contextOf(earlier, limitsOf(200));
    const more = await contextOf(earlier, limitsOf(200), { model: counted });
    expect(more.length).toBeGreaterThan(some.length);
  });

  it('leaves out answers of which nothing arrived, reasoning, and calls without results', async () => {
    const messages = [
      message('assistant', ''),
      message('user', 'then'),
      message('assistant', 'text', [
        { type: 'reasoning', text: 'unsigned' },
        { type: 'reasoning', text: 'signed', signature: 's' },
        { type: 'tool_call', id: '1', name: 'look', input: '{}' },
        { type: 'text', text: 'text' },
      ]),
      message('user', 'first'),
    ];
    const context = await contextOf({ messages, isWhole: true, summary: undefined }, unlimited);
    expect(shown(context)).toEqual(['user: first', 'assistant: text', 'user: then', 'user: new']);
    expect(context[1]?.parts).toEqual([{ type: 'text', text: 'text' }]);
  });
});

describe('the summary of what is older', () => {
  const older = ['old '.repeat(300), 'answer '.repeat(30), 'recent', 'another'];

  it('is given where something is left out, before what the first person says', async () => {
    const earlier = { ...said(...older), summary: kept('They talked about old things.') };
    const context = await contextOf(earlier, limitsOf(150));
    expect(context.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(shown(context)[0]).toMatch(/<summary>\nThey talked about old things\.\n<\/summary>\n\nrecent$/);
  });

  it('is not given when everything fits', async () => {
    const earlier = { ...said('one', 'two'), summary: kept('Numbers.') };
    expect(shown(await contextOf(earlier, limitsOf(150)))[0]).toBe('user: one');
    expect(shown(await contextOf(earlier, unlimited))[0]).toBe('user: one');
    // By their bytes they do not.
    const long = { ...said(' word'.repeat(60)), summary: kept('Words.') };
    expect(shown(await contextOf(long, limitsOf(150), { model: counted }))).toEqual([
      `user: ${' word'.repeat(60)}`,
      'user: new',
    ]);
  });

  it('is given where more was said than was read, however much fits', async () => {
    const earlier = { ...said('one', 'two'), isWhole: false, summary: kept('Numbers.') };
    expect(shown(await contextOf(earlier, unlimited))[0]).toContain('Numbers.');
    expect(shown(await contextOf(earlier, limitsOf(1000)))[0]).toContain('Numbers.');
  });

  it('has its room before messages have', async () => {
    const long = Array.from(
      { length: 10 },
      (_, index) => `${'word '.repeat(10)}${String.fromCharCode(97 + index)}`,
    );
    const without = await contextOf(said(...older, ...long), limitsOf(200));
    const summary = 'It was about this and about that, and then about something else.';
    const beside = await contextOf({ ...said(...older, ...long), summary: kept(summary) }, limitsOf(200));
    expect(beside.length).toBeLessThan(without.length);
    expect(shown(beside).slice(1)).toEqual(shown(without).slice(1 - beside.length));
    expect(shown(beside)[0]).toContain(summary);
  });

  it('goes before the new message when nothing else fits', async () => {
    const earlier = { ...said('old '.repeat(300), 'answer '.repeat(300)), summary: kept('Old.') };
    const context = await contextOf(earlier, limitsOf(100));
    expect(context).toHaveLength(1);
    expect(shown(context)[0]).toMatch(/Old\.[^]*new$/);
  });

  it('is left out when it does not fit itself', async () => {
    const earlier = { ...said(...older), summary: kept('long '.repeat(200)) };
    expect(shown(await contextOf(earlier, limitsOf(150)))[0]).toBe('user: recent');
  });
});

describe('a gap', () => {
  /** Of which what is older than the last two does not fit. */
  const messages = said('old', 'b '.repeat(300), 'recent', 'another').messages;
  const [another, , long, old] = messages.map(({ id }) => id);

  async function hasGap(
    through: string | undefined,
    changes: Partial<EarlierConversation> = {},
  ): Promise<boolean> {
    const contexts = new ContextService(new TokenCounter());
    const room = await contexts.roomFor(
      estimated,
      { content: 'new', systemPrompt: undefined },
      limitsOf(100),
    );
    if (room === undefined) throw new Error(noRoom);
    const summary = through === undefined ? undefined : { text: 'Old.', throughId: through };
    return (await contexts.assemble(room, { messages, isWhole: true, summary, ...changes })).hasGap;
  }

  it('is what is left out of which no summary tells', async () => {
    expect(await hasGap(undefined)).toBe(true);
    expect(await hasGap(old)).toBe(true);
    expect(await hasGap(long)).toBe(false);
    expect(await hasGap(another)).toBe(false);
  });

  it('is not where everything is told', async () => {
    const changes = { messages: messages.slice(0, 2) };
    expect(await hasGap(undefined, changes)).toBe(false);
    expect(await hasGap(long, { ...changes, isWhole: false })).toBe(true);
    expect(await hasGap(another, { ...changes, isWhole: false })).toBe(false);
    expect(await hasGap(undefined, { ...changes, isWhole: false })).toBe(true);
  });

  it('is not what a summary covers that does not fit itself', async () => {
    const summary = { text: 'long '.repeat(200), throughId: long ?? '' };
    expect(await hasGap(undefined, { summary })).toBe(false);
  });
});

describe('what is counted', () => {
  class Watched extends TokenCounter {
    readonly counted: string[] = [];

    override count(model: CountedModel, text: string): Promise<number> {
      this.counted.push(text);
      return super.count(model, text);
    }
  }

  it('is nothing while the bytes of all fit', async () => {
    const tokens = new Watched();
    const contexts = new ContextService(tokens);
    await contextOf(said('x'.repeat(100), 'y'.repeat(100)), limitsOf(300), { contexts });
    expect(tokens.counted).toEqual([]);
  });

  it('is each message once, and only as far back as they fit', async () => {
    const tokens = new Watched();
    const contexts = new ContextService(tokens);
    const earlier = said('one '.repeat(300), 'two '.repeat(300), 'three '.repeat(300), 'four');
    for (const model of [counted, { ...counted, id: 'gpt-5' }]) {
      await contextOf(earlier, limitsOf(200), { contexts, model, content: 'new' });
    }
    expect(tokens.counted).toEqual(['new', 'four', 'three '.repeat(300), 'new']);
    tokens.counted.length = 0;
    await contextOf(earlier, limitsOf(200), { contexts, content: 'new' });
    expect(tokens.counted).toEqual(['new', 'four', 'three '.repeat(300)]);
  });
});

describe('what is read of a conversation', () => {
  it.each([
    [estimated, limitsOf(1000), 4000],
    [counted, limitsOf(1000), 8000],
    [counted, unlimited, 2_000_000],
  ])('is as many bytes as may fit: %j, %j', async (model, limits, bytes) => {
    const newest = { content: 'new', systemPrompt: undefined };
    const room = await new ContextService(new TokenCounter()).roomFor(model, newest, limits);
    expect(room && historyBytes(room)).toBe(bytes);
  });
});
