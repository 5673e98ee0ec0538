import { SystemClock } from '../../src/common/clock.js';
import { GoogleProvider } from '../../src/llm-providers/adapters/google/google.provider.js';
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

const recordings = new Recordings('google');

function text(...pieces: readonly string[]): readonly GenerateEvent[] {
  return pieces.map((piece) => ({ type: 'text', text: piece }));
}

function call(id: string, name: string, input: string, signature?: string): readonly GenerateEvent[] {
  return [
    { type: 'tool-call-start', id, name, ...(signature === undefined ? {} : { signature }) },
    { type: 'tool-call-delta', id, input },
    { type: 'tool-call-end', id },
  ];
}

const textRecording: Recording = {
  name: 'text with usage in every chunk',
  bytes: recordings.bytes('text.sse'),
  events: [
    { type: 'start', model: 'gemini-2.5-flash', requestId: 'mAitaLmkHPPlz7IPvtfUqQ4' },
    ...text('Grüße', ' aus 東京 👋🏽', '\n\ndata: nothing', ' "quoted"'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'STOP',
      usage: { inputTokens: 1044, outputTokens: 15, cachedInputTokens: 1024 },
    },
  ],
};

const toolRecording: Recording = {
  name: 'text and two parallel tool calls, of which the first is signed',
  bytes: recordings.bytes('tool-calls.sse'),
  events: [
    { type: 'start', model: 'gemini-3.8-flash', requestId: 'tTCwacuEBMvnitYP06qsgQY' },
    ...text('Let me look.'),
    ...call('gp737npz', 'get_weather', '{"location":"Zürich","days":2}', 'EpwCCpkCAXLI2nwM'),
    ...call('k2qk1v7c', 'get_time', '{}'),
    {
      type: 'finish',
      reason: 'tool_calls',
      rawReason: 'STOP',
      usage: { inputTokens: 252, outputTokens: 95, reasoningTokens: 55 },
    },
  ],
};

const namelessRecording: Recording = {
  name: 'tool calls without ids, one of them in the last chunk',
  bytes: recordings.bytes('tool-calls-without-ids.sse'),
  events: [
    { type: 'start', model: 'gemini-2.5-flash', requestId: '2wHqaJ_wOJaHmtkP9N-7uAE' },
    ...call('call_2wHqaJ_wOJaHmtkP9N-7uAE_0', 'get_weather', '{"location":"Paris"}'),
    ...call('call_2wHqaJ_wOJaHmtkP9N-7uAE_1', 'get_weather', '{"location":"Rome"}'),
    ...call('call_2wHqaJ_wOJaHmtkP9N-7uAE_2', 'get_time', '{}'),
    {
      type: 'finish',
      reason: 'tool_calls',
      rawReason: 'STOP',
      usage: { inputTokens: 60, outputTokens: 22 },
    },
  ],
};

const thinkingRecording: Recording = {
  name: 'thoughts, and a signed text',
  bytes: recordings.bytes('thinking.sse'),
  events: [
    { type: 'start', model: 'gemini-3.1-pro-preview', requestId: 'AY89a18iOcFus5wr5bW5xN6' },
    { type: 'reasoning', text: '**Looking for the GCD**\n\n' },
    { type: 'reasoning', text: '1071 = 2 × 462 + 147' },
    ...text('The greatest common divisor', ' is **21**.'),
    {
      type: 'reasoning',
      text: '',
      signature: 'AY89a18iOcFus5wr5bW5xN6zZ4aUiCyhgmg6HE2YjtYDV/dwZ5oZlZHeTmiUKv34qq0=',
    },
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'STOP',
      usage: { inputTokens: 43, outputTokens: 298, reasoningTokens: 287 },
    },
  ],
};

const logprobsRecording: Recording = {
  name: 'log probabilities',
  bytes: recordings.bytes('logprobs.sse'),
  events: [
    { type: 'start', model: 'gemini-2.5-flash', requestId: 'mAitaLmkHPPlz7IPvtfUqQ4' },
    {
      type: 'text',
      text: 'Hello there',
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
        { token: ' there', logprob: 0, bytes: null, top: [{ token: ' there', logprob: 0, bytes: null }] },
      ],
    },
    { type: 'finish', reason: 'stop', rawReason: 'STOP', usage: { inputTokens: 3, outputTokens: 2 } },
  ],
};

interface ErrorWords {
  readonly code: number;
  readonly status: string;
  readonly details?: readonly object[];
}

function refusal(name: string, error: ErrorWords, expected: Refusal['expected']): Refusal {
  const message = `${upstreamCanary}: API key ${credentialCanary} not valid. Please pass a valid API key.`;
  return { name, body: { error: { message, ...error } }, answer: { status: error.code }, expected };
}

const detail = (type: string, fields: object): object => ({
  '@type': `type.googleapis.com/google.rpc.${type}`,
  ...fields,
});

const refusals: readonly Refusal[] = [
  refusal(
    'a wrong key',
    {
      code: 400,
      status: 'INVALID_ARGUMENT',
      details: [
        detail('ErrorInfo', { reason: 'API_KEY_INVALID', domain: 'googleapis.com' }),
        detail('LocalizedMessage', { locale: 'en-US', message: upstreamCanary }),
      ],
    },
    { code: 'authentication', retryable: false },
  ),
  refusal(
    'no credential',
    { code: 401, status: 'UNAUTHENTICATED' },
    { code: 'authentication', retryable: false },
  ),
  refusal(
    'a key without the right',
    { code: 403, status: 'PERMISSION_DENIED' },
    { code: 'permission', retryable: false },
  ),
  refusal(
    'a country without a free tier',
    { code: 400, status: 'FAILED_PRECONDITION' },
    { code: 'permission', retryable: false },
  ),
  refusal('an unknown model', { code: 404, status: 'NOT_FOUND' }, { code: 'not_found', retryable: false }),
  refusal(
    'a wrong argument',
    { code: 400, status: 'INVALID_ARGUMENT' },
    { code: 'invalid_request', retryable: false },
  ),
  refusal(
    'too many requests',
    {
      code: 429,
      status: 'RESOURCE_EXHAUSTED',
      details: [
        detail('QuotaFailure', { violations: [{ quotaId: 'GenerateRequestsPerMinute' }] }),
        detail('RetryInfo', { retryDelay: '34.074824224s' }),
      ],
    },
    { code: 'rate_limit', retryable: true, retryAfterMs: 34_075 },
  ),
  refusal(
    'an overloaded model',
    { code: 503, status: 'UNAVAILABLE' },
    { code: 'overloaded', retryable: true },
  ),
  refusal('a deadline', { code: 504, status: 'DEADLINE_EXCEEDED' }, { code: 'timeout', retryable: true }),
  refusal('a broken server', { code: 500, status: 'INTERNAL' }, { code: 'unknown', retryable: true }),
];

const sse = (...chunks: readonly object[]): string =>
  chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join('');
const parts = (...list: readonly unknown[]): object => ({ candidates: [{ content: { parts: list } }] });
const output = parts({ text: 'Hi' });
const ended = { candidates: [{ finishReason: 'STOP' }] };

const invalid: Readonly<Record<string, string>> = {
  'text that is not JSON': 'data: {"candidates\r\n\r\n',
  'a chunk that is not an object': `data: [1]\r\n\r\n${sse(ended)}`,
  'candidates that are no list': sse({ candidates: {} }, ended),
  'a candidate that is not an object': sse({ candidates: ['x'] }, ended),
  'content that is not an object': sse({ candidates: [{ content: 'x' }] }, ended),
  'parts that are no list': sse({ candidates: [{ content: { parts: {} } }] }, ended),
  'a part that is not an object': sse(parts('x'), ended),
  'text that is not text': sse(parts({ text: 7 }), ended),
  'a thought that is not text': sse(parts({ text: {}, thought: true }), ended),
  'a signature that is not text': sse(parts({ text: 'x', thoughtSignature: 7 }), ended),
  'a call without a name': sse(parts({ functionCall: { args: {} } }), ended),
  'a call that is not an object': sse(parts({ functionCall: 'x' }), ended),
  'arguments that are not an object': sse(parts({ functionCall: { name: 'a', args: '{}' } }), ended),
  'a finish reason that is not text': sse(output, { candidates: [{ finishReason: 1 }] }),
  'usage that is not an object': sse(output, { ...ended, usageMetadata: 7 }),
  'usage that is not a count': sse(output, {
    ...ended,
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: '8' },
  }),
  'log probabilities that are no numbers': sse(
    {
      candidates: [
        {
          content: { parts: [{ text: 'x' }] },
          logprobsResult: { chosenCandidates: [{ token: 'x', logProbability: '0' }] },
        },
      ],
    },
    ended,
  ),
  'a call that the vendor could not read': sse(output, {
    candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: upstreamCanary }],
  }),
};

const http: HttpContract = {
  recordings: [textRecording, toolRecording, namelessRecording, thinkingRecording, logprobsRecording],
  withoutUsage: recordings.bytes('text-without-usage.sse'),
  withUnknownKinds: recordings.bytes('text-with-unknown-kinds.sse'),
  invalid: Object.entries(invalid).map(([name, stream]) => [name, Buffer.from(stream)]),
  errorInStream: { bytes: recordings.bytes('error-in-stream.sse'), code: 'overloaded' },
  // There is none: it is the whole last chunk, with the reason.
  terminator: lastEventOf(recordings.bytes('text.sse')),
  refusals,
};

function lastEventOf(bytes: Uint8Array): string {
  const stream = Buffer.from(bytes).toString();
  return stream.slice(stream.lastIndexOf('data: {"candidates"'));
}

describeProviderContract('google', {
  makeProvider: () => new GoogleProvider(new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('google', upstreamUrl, credentialCanary),
  request: {
    model: 'gemini-2.5-flash',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
  },
  http,
});
