import { SystemClock } from '../../src/common/clock.js';
import { AnthropicProvider } from '../../src/llm-providers/adapters/anthropic/anthropic.provider.js';
import type { GenerateEvent } from '../../src/llm-providers/contract/generate-event.js';
import {
  describeProviderContract,
  type HttpContract,
  type Recording,
  type Refusal,
} from './provider-contract.js';
import { credentialCanary, upstreamCanary } from './stream-run.js';
import { localOutbound } from '../support/local-outbound.js';
import { scriptedConnection } from '../support/provider-scene.js';
import { Recordings } from '../support/recordings.js';

const recordings = new Recordings('anthropic');

function text(...pieces: readonly string[]): readonly GenerateEvent[] {
  return pieces.map((piece) => ({ type: 'text', text: piece }));
}

const textRecording: Recording = {
  name: 'text with usage',
  bytes: recordings.bytes('text.sse'),
  events: [
    { type: 'start', model: 'claude-sonnet-4-6' },
    ...text('Grüße', ' aus', ' 東京', ' 👋🏽', '\n\n', 'data: nothing', ' "quoted"'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'end_turn',
      usage: { inputTokens: 2073, outputTokens: 15, cachedInputTokens: 1800, cacheWriteInputTokens: 248 },
    },
  ],
};

const [weather, time] = ['toolu_01T1x1fJ34qAmk2tNTrN7Up6', 'toolu_01A09q90qw90lq917835lq9'];

const toolRecording: Recording = {
  name: 'text and two parallel tool calls',
  bytes: recordings.bytes('tool-calls.sse'),
  events: [
    { type: 'start', model: 'claude-opus-5' },
    ...text('Okay', ", let's check."),
    { type: 'tool-call-start', id: weather, name: 'get_weather' },
    { type: 'tool-call-delta', id: weather, input: '{"location":' },
    { type: 'tool-call-delta', id: weather, input: ' "Züri' },
    { type: 'tool-call-delta', id: weather, input: 'ch"}' },
    { type: 'tool-call-end', id: weather },
    { type: 'tool-call-start', id: time, name: 'get_time' },
    { type: 'tool-call-delta', id: time, input: '{}' },
    { type: 'tool-call-end', id: time },
    {
      type: 'finish',
      reason: 'tool_calls',
      rawReason: 'tool_use',
      usage: { inputTokens: 472, outputTokens: 89, cachedInputTokens: 0, cacheWriteInputTokens: 0 },
    },
  ],
};

const thinkingRecording: Recording = {
  name: 'thinking: shown, redacted and kept back',
  bytes: recordings.bytes('thinking.sse'),
  events: [
    { type: 'start', model: 'claude-opus-5-5' },
    { type: 'reasoning', text: 'I need to find the GCD of 1071 and 462.' },
    { type: 'reasoning', text: '\n\n1071 = 2 × 462 + 147' },
    {
      type: 'reasoning',
      text: '',
      signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds==',
    },
    {
      type: 'reasoning',
      text: '',
      redacted:
        'EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXGmKDxH4mPnZ5sQ7vB9mLN2YQ==',
    },
    { type: 'reasoning', text: '', signature: 'EowCCkYICBgCKkCbmitted==' },
    ...text('The greatest common divisor is **21**.'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'end_turn',
      usage: {
        inputTokens: 43,
        outputTokens: 312,
        cachedInputTokens: 0,
        cacheWriteInputTokens: 0,
        reasoningTokens: 287,
      },
    },
  ],
};

function refusal(
  name: string,
  [status, type]: readonly [number, string],
  expected: Refusal['expected'],
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const message = `${upstreamCanary}: invalid x-api-key ${credentialCanary}`;
  const body = { type: 'error', error: { type, message }, request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy' };
  return { name, body, answer: { status, headers }, expected };
}

const refusals: readonly Refusal[] = [
  refusal('a refused key', [401, 'authentication_error'], { code: 'authentication', retryable: false }),
  refusal('a key without the right', [403, 'permission_error'], { code: 'permission', retryable: false }),
  refusal('an unknown model', [404, 'not_found_error'], { code: 'not_found', retryable: false }),
  refusal('too long a prompt', [400, 'invalid_request_error'], { code: 'invalid_request', retryable: false }),
  refusal('too large a body', [413, 'request_too_large'], { code: 'invalid_request', retryable: false }),
  refusal(
    'too many requests',
    [429, 'rate_limit_error'],
    { code: 'rate_limit', retryable: true, retryAfterMs: 7000 },
    { 'retry-after': '7' },
  ),
  refusal('no money left', [402, 'billing_error'], { code: 'rate_limit', retryable: false }),
  refusal('an overloaded vendor', [529, 'overloaded_error'], { code: 'overloaded', retryable: true }),
  refusal('a broken server', [500, 'api_error'], { code: 'unknown', retryable: true }),
];

interface SseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

const sse = (...events: readonly SseEvent[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
const block = (content_block: object): SseEvent => ({ type: 'content_block_start', index: 0, content_block });
const delta = (fields: object): SseEvent => ({ type: 'content_block_delta', index: 0, delta: fields });
const textBlock = block({ type: 'text', text: '' });
const output = [textBlock, delta({ type: 'text_delta', text: 'Hi' })] as const;
const messageDelta = (fields: object): SseEvent => ({ type: 'message_delta', ...fields });
const ended = messageDelta({ delta: { stop_reason: 'end_turn' } });
const stop = { type: 'message_stop' };

const invalid: Readonly<Record<string, string>> = {
  'text that is not JSON': 'event: message_start\ndata: {"type\n\n',
  'an event that is not an object': `event: message_start\ndata: [1]\n\n${sse(ended, stop)}`,
  'an event without a type': `event: message_delta\ndata: {}\n\n${sse(ended, stop)}`,
  'a message that is not an object': sse({ type: 'message_start', message: 'x' }, ended, stop),
  'a block without a type': sse(block({}), ended, stop),
  'a piece of a block that nobody opened': sse(output[1], ended, stop),
  'an end of a block that nobody opened': sse({ type: 'content_block_stop', index: 0 }, ended, stop),
  'a piece without its text': sse(textBlock, delta({ type: 'text_delta' }), ended, stop),
  'text that is not text': sse(textBlock, delta({ type: 'text_delta', text: 7 }), ended, stop),
  'a piece of another kind of block': sse(
    textBlock,
    delta({ type: 'thinking_delta', thinking: 'x', text: 'x' }),
    ended,
    stop,
  ),
  'redacted thinking without data': sse(block({ type: 'redacted_thinking' }), ended, stop),
  'a tool call without a name': sse(block({ type: 'tool_use', id: 'a', input: {} }), ended, stop),
  'a stop reason that is not text': sse(...output, messageDelta({ delta: { stop_reason: 1 } }), stop),
  'an end without its delta': sse(...output, messageDelta({}), ended, stop),
  'usage that is not a count': sse(
    ...output,
    messageDelta({ delta: { stop_reason: 'end_turn' }, usage: { output_tokens: '8' } }),
    stop,
  ),
  'half of a usage': sse(
    ...output,
    messageDelta({ delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 8 } }),
    stop,
  ),
};

const http: HttpContract = {
  recordings: [textRecording, toolRecording, thinkingRecording],
  withoutUsage: recordings.bytes('text-without-usage.sse'),
  withUnknownKinds: recordings.bytes('text-with-unknown-kinds.sse'),
  invalid: Object.entries(invalid).map(([name, stream]) => [name, Buffer.from(stream)]),
  errorInStream: { bytes: recordings.bytes('error-in-stream.sse'), code: 'overloaded' },
  terminator: sse(stop),
  refusals,
};

describeProviderContract('anthropic', {
  makeProvider: () => new AnthropicProvider(new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('anthropic', upstreamUrl, credentialCanary),
  request: {
    model: 'claude-sonnet-4-6',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
  },
  http,
});
