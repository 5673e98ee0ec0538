import { describe, expect, it } from '@jest/globals';
import { firstWords, titleIn } from './title-text.js';

describe('the first words of a message', () => {
  it.each([
    ['', undefined],
    [' \n\t ', undefined],
    ['Hello', 'Hello'],
    ['  Two\nlines\r\n and\u2028more\u0000 ', 'Two lines and more'],
    ['word '.repeat(20), `${'word '.repeat(11)}word…`],
    ['漢'.repeat(100), `${'漢'.repeat(60)}…`],
    ['😀'.repeat(100), `${'😀'.repeat(60)}…`],
    ['x'.repeat(500_000), `${'x'.repeat(60)}…`],
  ])('are a title: %j', (content, title) => {
    expect(firstWords(content)).toBe(title);
  });
});

describe('the title in what a model wrote', () => {
  it.each([
    ['', undefined],
    ['""', undefined],
    ['# **', undefined],
    ['A plan for Rome', 'A plan for Rome'],
    ['\n"A plan for Rome"\n\nI hope this helps!', 'A plan for Rome'],
    ['## Title: „Ein Plan für Rom“', 'Ein Plan für Rom'],
    ['**A plan**', 'A plan'],
    ['C# and C++', 'C# and C++'],
    ['tab\tbell\u0007', 'tab bell'],
    // At most 200 UTF-16 units, and no half of a character.
    ['😀'.repeat(300), '😀'.repeat(100)],
    [`a${'😀'.repeat(300)}`, `a${'😀'.repeat(99)}`],
  ])('of %j is one line without what is put around titles', (written, title) => {
    expect(titleIn(written)).toBe(title);
  });

  it('is found in no time, whatever a model writes', () => {
    const started = performance.now();
    titleIn(`x${'_'.repeat(49_000)}x`);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
