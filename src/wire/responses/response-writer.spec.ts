import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '../../common/clock.js';
import type { GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import type { ResponseEvent } from './output-items.js';
import { ResponseWriter } from './response-writer.js';

function written(...events: readonly GenerateEvent[]): { writer: ResponseWriter; told: ResponseEvent[] } {
  let ids = 0;
  const frame = {
    ...{ id: 'resp_1', createdAt: new Date(0), model: 'm', repeated: {}, includesEncrypted: true },
  };
  const writer = new ResponseWriter(frame, (prefix) => `${prefix}_${++ids}`, new SystemClock());
  return { writer, told: events.flatMap((event) => writer.add(event)) };
}

const finish: GenerateEvent = { type: 'finish', reason: 'tool_calls', rawReason: 'tool_calls' };

describe('ResponseWriter', () => {
  it('gives calls that come at once their own places, and those without arguments an empty object', () => {
    const { writer, told } = written(
      { type: 'start' },
      { type: 'tool-call-start', id: 'a', name: 'one' },
      { type: 'tool-call-start', id: 'b', name: 'two' },
      { type: 'tool-call-delta', id: 'b', input: '{"x":' },
      { type: 'tool-call-end', id: 'a' },
      { type: 'tool-call-delta', id: 'b', input: '1}' },
      finish,
    );
    expect(writer.output).toMatchObject([
      { call_id: 'a', status: 'completed', arguments: '{}' },
      { call_id: 'b', status: 'completed', arguments: '{"x":1}' },
    ]);
    const deltas = told.filter(({ type }) => type === 'response.function_call_arguments.delta');
    expect(deltas.map((event) => [event['output_index'], event['delta']])).toEqual([
      [1, '{"x":'],
      [0, '{}'],
      [1, '1}'],
    ]);
  });

  it('leaves the arguments of a call as they are that was cut off', () => {
    const { writer } = written(
      { type: 'start' },
      { type: 'tool-call-start', id: 'a', name: 'one' },
      { type: 'tool-call-start', id: 'b', name: 'two' },
      { type: 'tool-call-delta', id: 'b', input: '{"x":' },
      { ...finish, reason: 'length' },
    );
    expect(writer.response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [
        { status: 'incomplete', arguments: '' },
        { status: 'incomplete', arguments: '{"x":' },
      ],
    });
  });

  it('keeps thoughts that nobody may see apart from those that are shown', () => {
    const { writer } = written(
      { type: 'start' },
      { type: 'reasoning', text: 'Hm' },
      { type: 'reasoning', text: '', redacted: 'secret' },
      { type: 'reasoning', text: 'So' },
      finish,
    );
    expect(writer.output).toMatchObject([
      { summary: [{ text: 'Hm' }] },
      { summary: [], encrypted_content: '{"redacted":"secret"}' },
      { summary: [{ text: 'So' }] },
    ]);
  });
});
