import { describe, expect, it } from '@jest/globals';
import { JsonItems } from './json-items.js';

function itemsOf(
  text: string,
  chunkSize = text.length,
  maxItemBytes = 1000,
  maxItemValues = 1000,
): unknown[] {
  const items = new JsonItems({ maxItemBytes, maxItemValues, list: 'threads' });
  const bytes = Buffer.from(text);
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) {
    for (const { key, text: item } of items.push(bytes.subarray(at, at + chunkSize))) {
      found.push([key, item?.toString()]);
    }
  }
  items.end();
  return found;
}

const refusal = expect.objectContaining({ code: 'IMPORT_FILE_BROKEN' });

describe('cutting JSON into items', () => {
  it.each([
    ['', 'nothing'],
    ['[', 'an open array'],
    ['[1', 'an open number'],
    ['[1,', 'an announced element'],
    ['[{"a": [1}', 'an open element'],
    ['["a', 'an open text'],
    ['{"a"', 'a key alone'],
    ['{"a": 1', 'an open object'],
    ['{"threads": [1]', 'an open object around a closed list'],
    ['[1]]', 'one bracket too many'],
    ['[1] 2', 'something behind'],
    ['[1}', 'another bracket'],
    ['{"a": 1]', 'another brace'],
    ['[,1]', 'a leading comma'],
    ['[1,]', 'a trailing comma'],
    ['{"a": 1,}', 'a trailing comma in an object'],
    ['{a: 1}', 'a key without quotes'],
    ['{"a" 1}', 'a missing colon'],
    ['"text"', 'a text'],
    ['5', 'a number'],
  ])('refuses %s: %s', (text) => {
    expect(() => itemsOf(text)).toThrow(refusal);
  });

  it('finds the same items wherever the bytes are cut', () => {
    const text = ' [ {"a": "]}\\"\\\\"} , [1, [2, "ü😀"]],3 ,-1.5e3,"x,]\\\\",true , null,{}, [] ] \n';
    const expected = itemsOf(text);
    expect(expected.map((item) => (item as [undefined, string])[1].trim())).toEqual([
      '{"a": "]}\\"\\\\"}',
      '[1, [2, "ü😀"]]',
      '3',
      '-1.5e3',
      '"x,]\\\\"',
      'true',
      'null',
      '{}',
      '[]',
    ]);
    for (let size = 1; size < 12; size++) expect(itemsOf(text, size)).toEqual(expected);
  });

  it('takes an object apart, and of the list its elements', () => {
    const text =
      '{"format":"x","threads":[{"id":1},{"id":{"threads":[2]}}],"empty":[],"counts":{"threads":2}}';
    for (let size = 1; size < 12; size++) {
      expect(itemsOf(text, size)).toEqual([
        ['format', '"x"'],
        ['threads', '{"id":1}'],
        ['threads', '{"id":{"threads":[2]}}'],
        ['empty', '[]'],
        ['counts', '{"threads":2}'],
      ]);
    }
    expect(itemsOf('{"threads":[]}')).toEqual([]);
  });

  it('passes over an item that is too large, and goes on', () => {
    const text = `[1,"${'x'.repeat(40)}",[${'1,'.repeat(20)}1],2]`;
    for (const size of [1, 7, 1000]) {
      expect(itemsOf(text, size, 20)).toEqual([
        [undefined, '1'],
        [undefined, undefined],
        [undefined, undefined],
        [undefined, '2'],
      ]);
    }
  });

  it('passes over an item of too many values, whose brackets and commas it counts, texts apart', () => {
    const text = '[[1,2,3],{"a":[{}]},",,,,[[[[",[1,2,3,4],[[[[]]]],[1]]';
    for (const size of [1, 7, 1000]) {
      expect(itemsOf(text, size, 1000, 3).map((item) => (item as unknown[])[1])).toEqual([
        '[1,2,3]',
        '{"a":[{}]}',
        '",,,,[[[["',
        undefined,
        undefined,
        '[1]',
      ]);
    }
  });

  it('begins behind a byte order mark, of which there is one', () => {
    for (const size of [1, 2, 100]) expect(itemsOf('\ufeff [1]', size)).toEqual([[undefined, '1']]);
    expect(() => itemsOf('\ufeff\ufeff[1]')).toThrow(refusal);
    expect(() => itemsOf('[1]\ufeff')).toThrow(refusal);
  });
});
