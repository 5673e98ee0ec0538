import { describe, expect, it } from '@jest/globals';
import { estimateTokens } from './estimated-tokens.js';
import { loadEncoding } from './load-encoding.js';
import { TokenCounter } from './token-counter.js';
import { encodingOf, type CountedModel } from './encodings.js';

const openai = (id: string): CountedModel => ({ provider: 'openai', id });
const compatible = (id: string): CountedModel => ({ provider: 'openai-compatible', id });

describe('the encoding of a model', () => {
  it.each([
    ...['gpt-4o', 'gpt-4o-mini-2024-07-18', 'gpt-4.1-nano', 'gpt-4.5-preview', 'chatgpt-4o-latest', 'gpt-5'],
    ...['gpt-5.6-sol', 'gpt-6-luna', 'o1', 'o1-mini', 'o3-deep-research', 'o3-pro-2025-06-10', 'o4-mini'],
    ...['ft:gpt-4o-2024-08-06:acme::1', 'what-comes-next'],
  ])('is o200k for %s of OpenAI', (id) => {
    expect(encodingOf(openai(id))).toBe('o200k');
  });

  it.each(['gpt-4', 'gpt-4-turbo', 'gpt-4-0613', 'gpt-4-32k', 'gpt-3.5-turbo', 'gpt-3.5-turbo-0125'])(
    'is cl100k for %s',
    (id) => {
      expect(encodingOf(openai(id))).toBe('cl100k');
    },
  );

  it('is known by the name, whoever serves the model', () => {
    expect(encodingOf(compatible('openai/gpt-4o'))).toBe('o200k');
    expect(encodingOf(compatible('openai/gpt-oss-120b'))).toBe('o200k');
    expect(encodingOf({ provider: 'ollama', id: 'gpt-oss:20b' })).toBe('o200k');
    expect(encodingOf({ provider: 'azure-openai', id: 'gpt-35-turbo' })).toBe('cl100k');
  });

  it.each([
    ...['llama3.1', 'mistral-large', 'marco-o1', 'o1-open', 'gpt-j-6b', 'gpt4all', 'gpt-neox-20b', 'gpt-2'],
    ...['openai', 'nomic/gpt4all-falcon', 'gpt-40b'],
  ])('is not known for %s', (id) => {
    expect(encodingOf(compatible(id))).toBeUndefined();
  });

  it('is not guessed from how somebody named a deployment', () => {
    expect(encodingOf({ provider: 'azure-openai', id: 'production' })).toBeUndefined();
    expect(encodingOf({ provider: 'anthropic', id: 'claude-opus-4-5' })).toBeUndefined();
  });
});

describe('the token counter', () => {
  const counter = new TokenCounter();

  it('counts with the tokenizer of the model, and estimates where there is none', async () => {
    const text = 'Ceci n’est pas une pipe. '.repeat(10);
    expect(await counter.count(openai('gpt-4o'), text)).toBe((await loadEncoding('o200k')).count(text));
    expect(await counter.count(openai('gpt-4'), text)).toBe((await loadEncoding('cl100k')).count(text));
    expect(await counter.count(compatible('llama'), text)).toBe(estimateTokens(text));
    expect(await counter.count(openai('gpt-4o'), '')).toBe(0);
  });

  it('counts long texts as in one piece, but for a few', async () => {
    const text = 'The quick brown fox jumps over the lazy dog, again and again. '.repeat(1000);
    expect(await counter.count(openai('gpt-4o'), text)).toBe((await loadEncoding('o200k')).count(text));
    const unbroken = '漢字🎉'.repeat(5000);
    const exact = (await loadEncoding('o200k')).count(unbroken);
    expect(Math.abs((await counter.count(openai('gpt-4o'), unbroken)) - exact)).toBeLessThan(exact / 500);
  });

  it.each([
    ['a word without end', 'a'],
    ['blanks', ' '],
    ['emoji', '👩‍👩‍👧‍👦'],
    ['rare characters', '龘'],
    ['half a pair of surrogates', '\ud83c'],
  ])('lets others have their turn while it counts something long: %s', async (_name, text) => {
    const long = text.repeat(50_000 / text.length);
    const turns = await turnsDuring(() => [counter.count(openai('gpt-4o'), long)]);
    expect(turns).toBeGreaterThanOrEqual(Math.floor(long.length / 4096));
    const estimates = await turnsDuring(() => [counter.count(compatible('l'), long.repeat(10))]);
    expect(estimates).toBeGreaterThanOrEqual(Math.floor((long.length * 10) / 4096 / 16));
  });

  it('lets others have their turn as often while it counts many things at once', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `${index} `.repeat(300));
    const turns = await turnsDuring(() => texts.map((text) => counter.count(openai('gpt-4o'), text)));
    expect(turns).toBeGreaterThanOrEqual(Math.floor(texts.join('').length / 4096));
  });
});

/** How often others had their turn meanwhile. */
async function turnsDuring(count: () => readonly Promise<number>[]): Promise<number> {
  let turns = 0;
  let next: NodeJS.Immediate;
  const turn = (): void => {
    turns++;
    next = setImmediate(turn);
  };
  next = setImmediate(turn);
  await Promise.all(count());
  clearImmediate(next);
  return turns;
}
