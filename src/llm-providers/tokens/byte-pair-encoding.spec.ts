import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countTokens as reference } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as newerReference } from 'gpt-tokenizer/encoding/o200k_base';
import { loadEncoding } from './load-encoding.js';
import { texts } from './__fixtures__/texts.js';

const cl100k = await loadEncoding('cl100k');
const o200k = await loadEncoding('o200k');
const asText = { disallowedSpecial: new Set<string>() };

function sameAsReference(text: string): void {
  expect(cl100k.count(text)).toBe(reference(text, asText));
  expect(o200k.count(text)).toBe(newerReference(text, asText));
}

describe('a byte pair encoding', () => {
  it('counts what OpenAI publishes', () => {
    // https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
    expect(cl100k.count('antidisestablishmentarianism')).toBe(6);
    expect(o200k.count('antidisestablishmentarianism')).toBe(6);
    expect(cl100k.count('2 + 2 = 4')).toBe(7);
    expect(cl100k.count('お誕生日おめでとう')).toBe(9);
    expect(o200k.count('お誕生日おめでとう')).toBe(8);
  });

  it('counts as gpt-tokenizer does', () => {
    for (const text of Object.values(texts)) sameAsReference(text);
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), sameAsReference), { numRuns: 300 });
  });

  it('takes special tokens for text', () => {
    expect(o200k.count('<|endoftext|>')).toBe(7);
    expect(o200k.count('<|im_start|>system<|im_sep|>')).toBeGreaterThan(3);
    sameAsReference('Hello <|endoftext|> there');
  });

  it('counts a piece of any length, a token more at most for each stretch', () => {
    expect(o200k.count('a'.repeat(2048))).toBeLessThanOrEqual(2048 / 8 + 2048 / 256);
    expect(o200k.count('a'.repeat(2048))).toBeGreaterThanOrEqual(2048 / 8);
  });
});
