import { describe, expect, it } from '@jest/globals';
import { isSameModel } from './model-names.js';

describe('isSameModel', () => {
  it.each([
    ['gemma4', 'gemma4:latest', true],
    ['gemma4:latest', 'Gemma4', true],
    ['gemma4:8b', 'gemma4', false],
    ['hf.co/some/model:Q4_K_M', 'hf.co/some/model:q4_k_m', true],
    ['registry:5000/me/model', 'registry:5000/me/model:latest', true],
    ['gemma4', 'gemma3', false],
  ])('%s, %s: %s', (one, other, expected) => {
    expect(isSameModel(one, other)).toBe(expected);
    expect(isSameModel(other, one)).toBe(expected);
  });
});
