import { describe, expect, it } from '@jest/globals';
import { JsonObject } from '../../json-shape.js';
import { PullDecoder } from './pull-decoder.js';

function progressOf(...lines: readonly object[]): readonly (number | undefined)[] {
  const decoder = new PullDecoder();
  return lines
    .flatMap((line) => decoder.decode(JsonObject.from(line, 'line')))
    .map(({ progress }) => progress);
}

const layer = (digest: string, total: number, completed?: number): object => ({ digest, total, completed });

describe('PullDecoder', () => {
  it('counts all layers, each once', () => {
    expect(progressOf(layer('a', 600), layer('b', 400), layer('a', 600, 300), layer('a', 600, 450))).toEqual([
      0, 0.3, 0.45,
    ]);
  });

  it('never goes back when a layer becomes known', () => {
    expect(progressOf(layer('a', 100, 80), layer('b', 100), layer('b', 100, 90))).toEqual([0.8, 0.85]);
  });

  it('tells of steps of a thousandth', () => {
    const lines = Array.from({ length: 10_001 }, (_, completed) => layer('a', 10_000, completed));
    expect(progressOf(...lines)).toHaveLength(1001);
  });

  it('believes no more than everything', () => {
    expect(progressOf(layer('a', 10, 11), layer('z', 0, 0), { status: 'verifying' })).toEqual([1]);
  });

  it('refuses sizes that are none', () => {
    expect(() => progressOf(layer('a', -1))).toThrow(
      expect.objectContaining({ name: 'UnexpectedShapeError' }),
    );
  });
});
