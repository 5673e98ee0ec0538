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

const textRecording: Recording = {
  name: 'text with usage',
  bytes: recordings.bytes('text.sse'),
  events: [
    start,
    ...text('Grüße', ' aus', ' 東京', ' 👋🏽', '\n\n', 'data: nothing', ' "quoted"'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'stop',
      usage: { inputTokens: 19, outputTokens: 10, cachedInputTokens: 4, reasoningTokens: 0 },
    },
  ],
};

const toolRecording: Recording = {
  name: 'two parallel tool calls',
  bytes: recordings.bytes('tool-calls.sse'),
  events: [
    start,
    { type: 'tool-call-start', id: 'call_DdmO9pD3xa9XTPNJ32zg2hcA', name: 'get_weather' },
    ...['{"', 'location', '":"', 'Zürich', '"}'].map(
      (input) => ({ type: 'tool-call-delta', id: 'call_DdmO9pD3xa9XTPNJ32zg2hcA', input }) as const,
    ),
    { type: 'tool-call-start', id: 'call_kR2v7cTmL0sQe8yWfB4uJnHx', name: 'get_time' },
    { type: 'tool-call-delta', id: 'call_kR2v7cTmL0sQe8yWfB4uJnHx', input: '{}' },
    { type: 'tool-call-end', id: 'call_DdmO9pD3xa9XTPNJ32zg2hcA' },
    { type: 'tool-call-end', id: 'call_kR2v7cTmL0sQe8yWfB4uJnHx' },
    {
      type: 'finish',
      reason: 'tool_calls',
      rawReason: 'tool_calls',
      usage: { inputTokens: 81, outputTokens: 27 },
    },
  ],
};

const reasoningRecording: Recording = {
  name: 'reasoning of a compatible server',
  bytes: recordings.bytes('reasoning.sse'),
  events: [
    { type: 'start', model: 'deepseek-reasoner' },
    ...['Nine', ' point', ' eleven'].map((piece) => ({ type: 'reasoning', text: piece }) as const),
    ...text('9.8', ' is greater'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'stop',
      usage: { inputTokens: 15, outputTokens: 42, cachedInputTokens: 0, reasoningTokens: 38 },
    },
  ],
};

const logprobsRecording: Recording = {
  name: 'log probabilities',
  bytes: recordings.bytes('logprobs.sse'),
  events: [
    start,
    {
      type: 'text',
      text: 'Hello',
      logprobs: [
        {
          token: 'Hello',
          logprob: -0.01,
          bytes: [72, 101, 108, 108, 111],
          top: [
            { token: 'Hello', logprob: -0.01, bytes: [72, 101, 108, 108, 111] },
            { token: 'Hi', logprob: -4.6, bytes: [72, 105] },
          ],
        },
      ],
    },
    {
      type: 'text',
      text: ' there',
      logprobs: [{ token: ' there', logprob: -0.2, bytes: [32, 116, 104, 101, 114, 101], top: [] }],
    },
    { type: 'finish', reason: 'stop', rawReason: 'stop' },
  ],
};

function refusal(
  name: string,
  status: number,
  error: Readonly<Record<string, unknown>>,
  expected: Refusal['expected'],
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const message = `${upstreamCanary}: Incorrect API key provided: ${credentialCanary}`;
  return { name, body: { error: { message, ...error } }, answer: { status, headers }, expected };
}

const refusals: readonly Refusal[] = [
  refusal(
    'a refused key',
    401,
    { type: 'invalid_request_error', code: 'invalid_api_key' },
    {
      code: 'authentication',
      retryable: false,
    },
  ),
  refusal(
    'too long a prompt',
    400,
    { type: 'invalid_request_error', code: 'context_length_exceeded' },
    {
      code: 'context_length',
      retryable: false,
    },
  ),
  refusal(
    'too many requests',
    429,
    { type: 'requests', code: 'rate_limit_exceeded' },
    { code: 'rate_limit', retryable: true, retryAfterMs: 7000 },
    { 'retry-after': '7' },
  ),
  refusal(
    'no money left',
    429,
    { type: 'insufficient_quota', code: 'insufficient_quota' },
    {
      code: 'rate_limit',
      retryable: false,
    },
  ),
  refusal('a broken server', 500, { type: 'server_error' }, { code: 'unknown', retryable: true }),
];

const encode = (stream: string): Uint8Array => Buffer.from(stream);
const chunk = (fields: string): string => `data: {"object":"chat.completion.chunk",${fields}}\n\n`;
const output = chunk('"choices":[{"index":0,"delta":{"content":"Hi"}}]');
const stop = chunk('"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]');
const done = 'data: [DONE]\n\n';

const http: HttpContract = {
  recordings: [textRecording, toolRecording, reasoningRecording, logprobsRecording],
  withoutUsage: recordings.bytes('text-without-usage.sse'),
  withUnknownKinds: recordings.bytes('text-with-unknown-kinds.sse'),
  invalid: [
    ['text that is not JSON', encode(`data: {"object\n\n${done}`)],
    ['a chunk that is not an object', encode(`data: [1]\n\n${done}`)],
    ['choices that are not a list', encode(`${chunk('"choices":{}')}${stop}${done}`)],
    [
      'log probabilities that are not a list',
      encode(`${chunk('"choices":[{"delta":{"content":"x"},"logprobs":{"content":{}}}]')}${stop}${done}`),
    ],
    ['content that is not text', encode(`${chunk('"choices":[{"delta":{"content":7}}]')}${stop}${done}`)],
    [
      'a finish reason that is not text',
      encode(`${output}${chunk('"choices":[{"finish_reason":1}]')}${done}`),
    ],
    ['usage that is not a count', encode(`${output}${stop}${chunk('"usage":{"prompt_tokens":"8"}')}${done}`)],
    ['half of a usage', encode(`${output}${stop}${chunk('"usage":{"prompt_tokens":8}')}${done}`)],
    [
      'a tool call without a name',
      encode(chunk('"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a"}]}}]')),
    ],
  ],
  errorInStream: { bytes: recordings.bytes('error-in-stream.sse'), code: 'unknown' },
  terminator: done,
  refusals,
};

const request = {
  model: 'gpt-4.1',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
} as const;

describeProviderContract('openai-compatible', {
  makeProvider: () => new OpenAiProvider('openai-compatible', new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('openai-compatible', `${upstreamUrl}/v1`, credentialCanary),
  request,
  http,
});

describeProviderContract('openai by chat completions', {
  makeProvider: () => new OpenAiProvider('openai', new SystemClock(), localOutbound),
  connection: (upstreamUrl) => ({
    ...scriptedConnection('openai', `${upstreamUrl}/v1`, credentialCanary),
    options: { api: 'chat' },
  }),
  request,
  http,
});
