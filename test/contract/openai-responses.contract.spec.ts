import { SystemClock } from '../../src/common/clock.js';
import { OpenAiProvider } from '../../src/llm-providers/adapters/openai/openai.provider.js';
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

const recordings = new Recordings('openai');

const start = { type: 'start', model: 'gpt-4.1-2025-04-14' } as const;

function text(...pieces: readonly string[]): readonly GenerateEvent[] {
  return pieces.map((piece) => ({ type: 'text', text: piece }));
}

function reasoning(...pieces: readonly string[]): readonly GenerateEvent[] {
  return pieces.map((piece) => ({ type: 'reasoning', text: piece }));
}

function signature(id: string, encrypted_content: string): GenerateEvent {
  return { type: 'reasoning', text: '', signature: JSON.stringify({ id, encrypted_content }) };
}

function call(id: string, name: string, ...pieces: readonly string[]): readonly GenerateEvent[] {
  return [
    { type: 'tool-call-start', id, name },
    ...pieces.map((input) => ({ type: 'tool-call-delta', id, input }) as const),
    { type: 'tool-call-end', id },
  ];
}

const noCache = { cachedInputTokens: 0, cacheWriteInputTokens: 0, reasoningTokens: 0 };

const textRecording: Recording = {
  name: 'text with usage',
  bytes: recordings.bytes('responses-text.sse'),
  events: [
    start,
    ...text('Grüße', ' aus', ' 東京', ' 👋🏽', '\n\n', 'data: nothing', ' "quoted"'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'completed',
      usage: { ...noCache, inputTokens: 19, outputTokens: 10, cachedInputTokens: 4 },
    },
  ],
};

const toolRecording: Recording = {
  name: 'text and two parallel tool calls',
  bytes: recordings.bytes('responses-tool-calls.sse'),
  events: [
    start,
    ...text('Let me', ' look.'),
    ...call('call_DdmO9pD3xa9XTPNJ32zg2hcA', 'get_weather', '{"', 'location', '":"', 'Zürich', '"}'),
    ...call('call_kR2v7cTmL0sQe8yWfB4uJnHx', 'get_time', '{}'),
    {
      type: 'finish',
      reason: 'tool_calls',
      rawReason: 'completed',
      usage: { ...noCache, inputTokens: 81, outputTokens: 27 },
    },
  ],
};

const reasoningRecording: Recording = {
  name: 'reasoning: a summary in two parts, and a stretch that nobody may see',
  bytes: recordings.bytes('responses-reasoning.sse'),
  events: [
    { type: 'start', model: 'gpt-5.6-2026-08-12' },
    ...reasoning('**Looking for the GCD**\n\n', '1071 = 2 × 462 + 147.'),
    ...reasoning('\n\n**Checking**', '\n\nIt divides both.'),
    signature(
      'rs_0c2f9b7e5a1d48830068f3a1c2ff0c8190',
      'gAAAAABo86HCq2fC5zv8Jp0n1xYcVw3kTtR7uLQ9bHs2eGmD4aXoPiZy6NlEjUvFdKrMhWqBs=',
    ),
    signature(
      'rs_0c2f9b7e5a1d48830068f3a1c9aa0c8190',
      'gAAAAABo86HJx9Tn3oLr5Vb7wQe1iYpU0sKdZfMhGcA2uXj8tRyNqBv4lOaWgEk6CzSmDI==',
    ),
    ...text('The greatest common divisor', ' is **21**.'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'completed',
      usage: {
        inputTokens: 1243,
        outputTokens: 312,
        cachedInputTokens: 1024,
        cacheWriteInputTokens: 128,
        reasoningTokens: 287,
      },
    },
  ],
};

const refusalRecording: Recording = {
  name: 'a refusal of the model',
  bytes: recordings.bytes('responses-refusal.sse'),
  events: [
    start,
    ...text("I'm sorry,", ' I cannot assist with that request.'),
    {
      type: 'finish',
      reason: 'content_filter',
      rawReason: 'refusal',
      usage: { ...noCache, inputTokens: 81, outputTokens: 11 },
    },
  ],
};

const incompleteRecording: Recording = {
  name: 'an answer that was too long',
  bytes: recordings.bytes('responses-incomplete.sse'),
  events: [
    start,
    ...text('Once upon', ' a time'),
    {
      type: 'finish',
      reason: 'length',
      rawReason: 'max_output_tokens',
      usage: { ...noCache, inputTokens: 11, outputTokens: 16 },
    },
  ],
};

const logprobsRecording: Recording = {
  name: 'log probabilities',
  bytes: recordings.bytes('responses-logprobs.sse'),
  events: [
    start,
    {
      type: 'text',
      text: 'Hello',
      logprobs: [
        {
          token: 'Hello',
          logprob: -0.01,
          bytes: null,
          top: [
            { token: 'Hello', logprob: -0.01, bytes: null },
            { token: 'Hi', logprob: -4.6, bytes: null },
          ],
        },
      ],
    },
    {
      type: 'text',
      text: ' there',
      logprobs: [
        {
          token: ' there',
          logprob: -0.2,
          bytes: null,
          top: [
            { token: ' there', logprob: -0.2, bytes: null },
            { token: '!', logprob: -1.9, bytes: null },
          ],
        },
      ],
    },
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'completed',
      usage: { ...noCache, inputTokens: 8, outputTokens: 3 },
    },
  ],
};

function refusal(
  name: string,
  [status, error]: readonly [number, object],
  expected: Refusal['expected'],
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const message = `${upstreamCanary}: Incorrect API key provided: ${credentialCanary}`;
  return { name, body: { error: { message, ...error } }, answer: { status, headers }, expected };
}

const invalidRequest = { type: 'invalid_request_error' };

const refusals: readonly Refusal[] = [
  refusal('a refused key', [401, { ...invalidRequest, code: 'invalid_api_key' }], {
    code: 'authentication',
    retryable: false,
  }),
  refusal('too long a prompt', [400, { ...invalidRequest, code: 'context_length_exceeded' }], {
    code: 'context_length',
    retryable: false,
  }),
  refusal('reasoning of somebody else', [400, { ...invalidRequest, code: 'invalid_encrypted_content' }], {
    code: 'invalid_request',
    retryable: false,
  }),
  refusal(
    'too many requests',
    [429, { type: 'requests', code: 'rate_limit_exceeded' }],
    { code: 'rate_limit', retryable: true, retryAfterMs: 7000 },
    { 'retry-after': '7' },
  ),
  refusal('no money left', [429, { type: 'insufficient_quota', code: 'insufficient_quota' }], {
    code: 'rate_limit',
    retryable: false,
  }),
  refusal('a broken server', [500, { type: 'server_error' }], { code: 'unknown', retryable: true }),
  refusal('too much to do', [503, { type: 'server_error', code: 'slow_down' }], {
    code: 'overloaded',
    retryable: true,
  }),
];

interface SseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

const sse = (...events: readonly SseEvent[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
const at = { output_index: 0 };
const added = (item: unknown): SseEvent => ({ type: 'response.output_item.added', ...at, item });
const done = (item: unknown): SseEvent => ({ type: 'response.output_item.done', ...at, item });
const piece = (fields: object): SseEvent => ({ type: 'response.output_text.delta', ...at, ...fields });
const output = piece({ delta: 'Hi' });
const completed = (response: unknown): SseEvent => ({ type: 'response.completed', response });
const end = completed({ status: 'completed' });
const functionCall = { type: 'function_call', call_id: 'a', name: 'look', arguments: '' };

const invalid: Readonly<Record<string, string>> = {
  'text that is not JSON': `event: response.created\ndata: {"type\n\n${sse(end)}`,
  'an event that is not an object': `event: response.created\ndata: [1]\n\n${sse(end)}`,
  'an event without a type': `event: response.created\ndata: {}\n\n${sse(end)}`,
  'a response that is not an object': sse({ type: 'response.created', response: 'x' }, end),
  'a model that is not text': sse({ type: 'response.created', response: { model: 7 } }, end),
  'an item that is not an object': sse(added(7), end),
  'an item without a type': sse(added({}), end),
  'a call without a name': sse(added({ ...functionCall, name: null }), end),
  'a call without an id': sse(added({ ...functionCall, call_id: undefined }), end),
  'a call without its index': sse({ type: 'response.output_item.added', item: functionCall }, end),
  'arguments of a call that nobody made': sse(
    { type: 'response.function_call_arguments.delta', ...at, delta: '{}' },
    end,
  ),
  'an end of a call that nobody made': sse(done(functionCall), end),
  'arguments that are not text': sse(added(functionCall), done({ ...functionCall, arguments: {} }), end),
  'a piece without its text': sse(piece({}), end),
  'text that is not text': sse(piece({ delta: 7 }), end),
  'log probabilities that are not a list': sse(piece({ delta: 'x', logprobs: {} }), end),
  'a log probability that is not a number': sse(piece({ delta: 'x', logprobs: [{ token: 'x' }] }), end),
  'a refusal that is not text': sse({ type: 'response.refusal.delta', ...at, delta: ['x'] }, end),
  'a summary without its part': sse(
    { type: 'response.reasoning_summary_text.delta', ...at, delta: 'x' },
    end,
  ),
  'encrypted reasoning that is not text': sse(done({ type: 'reasoning', encrypted_content: {} }), end),
  'an end without its response': sse(output, { type: 'response.completed' }),
  'a status that is not text': sse(output, completed({ status: 1 })),
  'a reason that is not text': sse(output, {
    type: 'response.incomplete',
    response: { incomplete_details: { reason: {} } },
  }),
  'usage that is not a count': sse(output, completed({ usage: { input_tokens: '8', output_tokens: 1 } })),
  'half of a usage': sse(output, completed({ usage: { input_tokens: 8 } })),
  'a failure without its response': sse(output, { type: 'response.failed', response: [] }),
};

function lastEventOf(stream: string): string {
  return stream.slice(stream.lastIndexOf('event: '));
}

const http: HttpContract = {
  recordings: [
    textRecording,
    toolRecording,
    reasoningRecording,
    refusalRecording,
    incompleteRecording,
    logprobsRecording,
  ],
  withoutUsage: recordings.bytes('responses-text-without-usage.sse'),
  withUnknownKinds: recordings.bytes('responses-text-with-unknown-kinds.sse'),
  invalid: Object.entries(invalid).map(([name, stream]) => [name, Buffer.from(stream)]),
  errorInStream: { bytes: recordings.bytes('responses-failed.sse'), code: 'unknown' },
  terminator: lastEventOf(recordings.text('responses-text.sse')),
  refusals,
};

describeProviderContract('openai', {
  makeProvider: () => new OpenAiProvider('openai', new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('openai', `${upstreamUrl}/v1`, credentialCanary),
  request: { model: 'gpt-4.1', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] },
  http,
});
