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
  name: 'text with usage, after what the filter says of the prompt',
  bytes: recordings.bytes('azure-text.sse'),
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

const filtered: readonly GenerateEvent[] = [
  start,
  ...text('Once upon'),
  { type: 'finish', reason: 'content_filter', rawReason: 'content_filter' },
];

const filteredRecording: Recording = {
  name: 'an answer that the filter ends',
  bytes: recordings.bytes('azure-filtered-answer.sse'),
  events: filtered,
};

const filteredLateRecording: Recording = {
  name: 'an answer that the asynchronous filter condemns after its end',
  bytes: recordings.bytes('azure-filtered-late.sse'),
  events: filtered,
};

function refusal(
  name: string,
  [status, error]: readonly [number, object],
  expected: Refusal['expected'],
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const message = `${upstreamCanary}: Access denied due to invalid subscription key ${credentialCanary}`;
  return { name, body: { error: { message, ...error } }, answer: { status, headers }, expected };
}

/** https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter#error-codes */
const policyViolation = { code: 'ResponsibleAIPolicyViolation', content_filter_result: {} };

const refusals: readonly Refusal[] = [
  refusal('a refused key', [401, { code: '401' }], { code: 'authentication', retryable: false }),
  refusal('an unknown deployment', [404, { code: 'DeploymentNotFound' }], {
    code: 'not_found',
    retryable: false,
  }),
  refusal('a prompt that the filter stops', [400, { code: 'content_filter', innererror: policyViolation }], {
    code: 'content_filter',
    retryable: false,
  }),
  refusal('a prompt that the filter stops, without its code', [400, { innererror: policyViolation }], {
    code: 'content_filter',
    retryable: false,
  }),
  refusal('too long a prompt', [400, { code: 'context_length_exceeded' }], {
    code: 'context_length',
    retryable: false,
  }),
  refusal(
    'too many requests',
    [429, { code: '429' }],
    { code: 'rate_limit', retryable: true, retryAfterMs: 26_000 },
    { 'retry-after': '26' },
  ),
  refusal('a broken server', [500, { code: 'InternalServerError' }], { code: 'unknown', retryable: true }),
  refusal('no capacity', [503, { code: 'NoCapacity' }], { code: 'overloaded', retryable: true }),
];

const done = 'data: [DONE]\n\n';
const chunk = (fields: string): string => `data: {"object":"chat.completion.chunk",${fields}}\n\n`;
const stop = chunk('"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]');

const invalid: Readonly<Record<string, string>> = {
  'text that is not JSON': `data: {"object\n\n${done}`,
  'choices that are not a list': `${chunk('"choices":{}')}${stop}${done}`,
  'content that is not text': `${chunk('"choices":[{"delta":{"content":7}}]')}${stop}${done}`,
  'half of a usage': `${stop}${chunk('"usage":{"prompt_tokens":8}')}${done}`,
};

const http: HttpContract = {
  recordings: [textRecording, filteredRecording, filteredLateRecording],
  withoutUsage: recordings.bytes('azure-text-without-usage.sse'),
  withUnknownKinds: recordings.bytes('azure-text-with-unknown-kinds.sse'),
  invalid: Object.entries(invalid).map(([name, stream]) => [name, Buffer.from(stream)]),
  errorInStream: { bytes: recordings.bytes('azure-error-in-stream.sse'), code: 'content_filter' },
  terminator: done,
  refusals,
};

describeProviderContract('azure-openai', {
  makeProvider: () => new OpenAiProvider('azure-openai', new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('azure-openai', upstreamUrl, credentialCanary),
  request: { model: 'our-gpt', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] },
  http,
});
