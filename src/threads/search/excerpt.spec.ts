import { afterEach, expect, it, jest } from '@jest/globals';
import { excerptOf } from './excerpt.js';

afterEach(() => {
  jest.restoreAllMocks();
});

it('reads a text no further than it is shown', () => {
  const normalize = jest.spyOn(String.prototype, 'normalize');
  const { text, ranges } = excerptOf(`${'far '.repeat(50)}here ${'away '.repeat(1000)}`, ['here'], ['here']);
  expect(ranges.map(({ start, end }) => text.slice(start, end))).toEqual(['here']);
  expect(text).toHaveLength(240);
  expect(normalize.mock.calls.length).toBeLessThan(110);
});

it('marks runs that overlap as one', () => {
  const { text, ranges } = excerptOf('a 東京都庁 東 b', [], ['京都', '東京都', '都庁']);
  expect(ranges.map(({ start, end }) => text.slice(start, end))).toEqual(['東京都庁']);
});

it('marks a run that begins before the first that ends', () => {
  const { text, ranges } = excerptOf(
    `${'x'.repeat(100)} 一二三四五 ${'y'.repeat(300)}`,
    [],
    ['一二三四', '二三'],
  );
  expect(ranges.map(({ start, end }) => text.slice(start, end))).toEqual(['一二三四']);
});
