import { describe, expect, it } from '@jest/globals';
import type { GenerateEvent } from '../../contract/generate-event.js';
import { ReportedError, toProviderError } from './openai-errors.js';
import { ResponsesDecoder } from './responses-decoder.js';

interface VendorEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

function decoded(...events: readonly VendorEvent[]): readonly GenerateEvent[] {
  const decoder = new ResponsesDecoder(undefined);
  return events.flatMap((event) => [
    ...decoder.decode({ id: undefined, event: event.type, data: JSON.stringify(event) }),
  ]);
}

const functionCall = { type: 'function_call', call_id: 'a', name: 'look', arguments: '' };
const call: VendorEvent = { type: 'response.output_item.added', output_index: 0, item: functionCall };
const callDone: VendorEvent = {
  type: 'response.output_item.done',
  output_index: 0,
  item: { ...functionCall, arguments: '{"at":1}' },
};
const end: VendorEvent = { type: 'response.completed', response: { status: 'completed' } };

function incomplete(incomplete_details: object | null): VendorEvent {
  return { type: 'response.incomplete', response: { status: 'incomplete', incomplete_details } };
}

function caught(event: VendorEvent): unknown {
  try {
    return decoded(event);
  } catch (error) {
    return error;
  }
}

const duringOutput = { provider: 'openai', outputBegan: true, nowMs: 0 } as const;

describe('ResponsesDecoder', () => {
  it.each([
    [{ type: 'error', code: 'rate_limit_exceeded', message: 'x', param: null }, 'rate_limit_exceeded'],
    [{ type: 'error', error: { type: 'invalid_request_error', code: 'invalid_prompt' } }, 'invalid_prompt'],
    [
      { type: 'response.failed', response: { error: { code: 'server_error', message: 'x' } } },
      'server_error',
    ],
  ])('throws the error of %j', (event, code) => {
    const error = caught(event);
    expect(error).toBeInstanceOf(ReportedError);
    expect(error).toMatchObject({ reported: { code } });
  });

  it('throws a failure that says nothing', () => {
    expect(caught({ type: 'response.failed', response: { error: null } })).toBeInstanceOf(ReportedError);
  });

  it.each([
    [{ reason: 'max_output_tokens' }, 'length', 'max_output_tokens'],
    [{ reason: 'content_filter' }, 'content_filter', 'content_filter'],
    [{ reason: 'steered' }, 'other', 'steered'],
    [{}, 'other', 'incomplete'],
    [null, 'other', 'incomplete'],
  ])('reads the incomplete answer of %j as %s', (details, reason, rawReason) => {
    expect(decoded(incomplete(details)).at(-1)).toEqual({ type: 'finish', reason, rawReason });
  });

  it.each(['cancelled', 'failed'])('takes no %s answer for a whole one', (status) => {
    const error = caught({ type: 'response.completed', response: { status } });
    expect(error).toBeInstanceOf(ReportedError);
    expect(toProviderError(error, duringOutput)).toMatchObject({ code: 'unknown', retryable: false });
  });

  it.each(['in_progress', 'queued', 'unheard-of'])('takes no answer that is %s for a whole one', (status) => {
    const error = caught({ type: 'response.completed', response: { status } });
    expect(toProviderError(error, duringOutput)).toMatchObject({ code: 'invalid_response' });
  });

  it('takes no incomplete answer for a whole one', () => {
    const response = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    expect(decoded({ type: 'response.completed', response }).at(-1)).toMatchObject({ reason: 'length' });
  });

  it('ends a call that the limit of the answer cut off', () => {
    const piece = { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a' };
    expect(decoded(call, piece, incomplete({ reason: 'max_output_tokens' }))).toEqual([
      { type: 'start' },
      { type: 'tool-call-start', id: 'a', name: 'look' },
      { type: 'tool-call-delta', id: 'a', input: '{"a' },
      { type: 'tool-call-end', id: 'a' },
      { type: 'finish', reason: 'length', rawReason: 'max_output_tokens' },
    ]);
  });

  it('takes the arguments of a call from its end when they did not come in pieces', () => {
    expect(decoded(call, callDone, end)).toEqual([
      { type: 'start' },
      { type: 'tool-call-start', id: 'a', name: 'look' },
      { type: 'tool-call-delta', id: 'a', input: '{"at":1}' },
      { type: 'tool-call-end', id: 'a' },
      { type: 'finish', reason: 'tool_calls', rawReason: 'completed' },
    ]);
  });

  it('shows the reasoning of open models, which nobody signs', () => {
    const events = decoded(
      { type: 'response.reasoning_text.delta', output_index: 0, content_index: 0, delta: 'Hm.' },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { type: 'reasoning', id: 'rs_1', summary: [] },
      },
      end,
    );
    expect(events.slice(1, -1)).toEqual([{ type: 'reasoning', text: 'Hm.' }]);
  });

  it('separates the parts of one summary, but not two summaries', () => {
    const piece = (output_index: number, summary_index: number): VendorEvent => ({
      type: 'response.reasoning_summary_text.delta',
      output_index,
      summary_index,
      delta: 'x',
    });
    const texts = decoded(piece(0, 0), piece(0, 0), piece(0, 1), piece(1, 0)).slice(1);
    expect(texts).toMatchObject([{ text: 'x' }, { text: 'x' }, { text: '\n\nx' }, { text: 'x' }]);
  });

  it('starts for an answer that says nothing', () => {
    expect(decoded({ type: 'response.created', response: { model: 'm' } }, end)).toEqual([
      { type: 'start', model: 'm' },
      { type: 'finish', reason: 'stop', rawReason: 'completed' },
    ]);
  });

  it('reads events whose name is only in their data', () => {
    const data = '{"type":"response.output_text.delta","output_index":0,"delta":"Hi"}';
    const events = [...new ResponsesDecoder('req').decode({ id: undefined, event: undefined, data })];
    expect(events).toEqual([
      { type: 'start', requestId: 'req' },
      { type: 'text', text: 'Hi' },
    ]);
  });
});
