import { describe, expect, it } from '@jest/globals';
import { differences } from './differences.js';

describe('differences', () => {
  it('are none when what is wanted is so already, or nothing is', () => {
    expect(
      differences({ name: 'a', tools: ['x'] }, { name: 'a', tools: ['x'], status: undefined }),
    ).toBeUndefined();
    expect(differences({ name: 'a' }, {})).toBeUndefined();
  });

  it('tell the old and the new value of what changes, and of nothing else', () => {
    const before = { name: 'a', tools: ['x'], secret: 's' };
    expect(differences(before, { name: null, tools: ['x', 'y'], secret: undefined })).toEqual({
      old: { name: 'a', tools: ['x'] },
      new: { name: null, tools: ['x', 'y'] },
    });
  });
});
