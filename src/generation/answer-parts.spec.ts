import { describe, expect, it } from '@jest/globals';
import { AnswerParts } from './answer-parts.js';
import type { JournalEvent } from './generation-event.js';

function partsOf(...events: JournalEvent[]): AnswerParts {
  const answer = new AnswerParts();
  for (const event of events) answer.add(event);
  return answer;
}

describe('the parts of an answer', () => {
  it('are joined where neighbours are alike, and kept in order', () => {
    const answer = partsOf(
      { type: 'reasoning', token: 'Hm' },
      { type: 'reasoning', token: '.', signature: 'sig' },
      { type: 'reasoning', token: 'Again' },
      { type: 'token', token: 'Hel' },
      { type: 'status', status: 'retrying', modelId: 'a' },
      { type: 'token', token: 'lo' },
      { type: 'tool_call', id: '1', name: 'look', input: '{}' },
      { type: 'token', token: 'Bye' },
    );
    expect(answer.parts).toEqual([
      { type: 'reasoning', text: 'Hm.', signature: 'sig' },
      { type: 'reasoning', text: 'Again' },
      { type: 'text', text: 'Hello' },
      { type: 'tool_call', id: '1', name: 'look', input: '{}' },
      { type: 'text', text: 'Bye' },
    ]);
  });

  it('have the length of all their text', () => {
    const answer = partsOf({ type: 'token', token: 'abc' }, { type: 'reasoning', token: 'de' });
    expect(answer.length).toBe(5);
  });
});
