import { SystemClock } from '../../src/common/clock.js';
import { OllamaProvider } from '../../src/llm-providers/adapters/ollama/ollama.provider.js';
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

const recordings = new Recordings('ollama');

function text(...pieces: readonly string[]): readonly GenerateEvent[] {
  return pieces.map((piece) => ({ type: 'text', text: piece }));
}

function reasoning(...pieces: readonly string[]): readonly GenerateEvent[] {
  return pieces.map((piece) => ({ type: 'reasoning', text: piece }));
}

function toolCall(id: string, name: string, input: string): readonly GenerateEvent[] {
  return [
    { type: 'tool-call-start', id, name },
    { type: 'tool-call-delta', id, input },
    { type: 'tool-call-end', id },
  ];
}

const textRecording: Recording = {
  name: 'text with usage',
  bytes: recordings.bytes('text.ndjson'),
  events: [
    { type: 'start', model: 'gemma4' },
    ...text('Grüße', ' aus', ' 東京', ' 👋🏽', '\n\n', 'data: nothing', ' "quoted"'),
    {
      type: 'finish',
      reason: 'stop',
      rawReason: 'stop',
      usage: { inputTokens: 26, outputTokens: 13, cachedInputTokens: 12 },
    },
  ],
};

const toolRecording: Recording = {
  name: 'thoughts, text and two parallel tool calls',
  bytes: recordings.bytes('tool-calls.ndjson'),
  events: [
    { type: 'start', model: 'qwen3.5:35b' },
    ...reasoning('Two', ' tools.'),
    ...text('Let me look.'),
    ...toolCall('call_8hd2k1xq', 'get_weather', '{"location":"Zürich","days":[1,2.5]}'),
    ...toolCall('call_p0s7w3mz', 'get_time', '{}'),
    {
      type: 'finish',
      reason: 'tool_calls',
      rawReason: 'stop',
      usage: { inputTokens: 172, outputTokens: 61, cachedInputTokens: 0 },
    },
  ],
};

const toolsWithoutIds: Recording = {
  name: 'tool calls that have no ids',
  bytes: recordings.bytes('tool-calls-without-ids.ndjson'),
  events: [
    { type: 'start', model: 'llama3.2' },
    ...toolCall('call_339b031d3df87a19e47c4671', 'get_weather', '{"city":"Tokyo"}'),
    ...toolCall('call_253c4addeb7df201e90c2231', 'get_weather', '{}'),
    ...toolCall('call_0a359caae1b6bb1445a8fded', 'get_time', '{}'),
    {
      type: 'finish',
      reason: 'tool_calls',
      rawReason: 'stop',
      usage: { inputTokens: 169, outputTokens: 15 },
    },
  ],
};

const thinkingRecording: Recording = {
  name: 'thinking, ended by the limit',
  bytes: recordings.bytes('thinking.ndjson'),
  events: [
    { type: 'start', model: 'gpt-oss:20b' },
    ...reasoning('17', ' × 23', ' = 391.'),
    ...text('**391', '**'),
    { type: 'finish', reason: 'length', rawReason: 'length', usage: { inputTokens: 75, outputTokens: 48 } },
  ],
};

const logprobs: Recording = {
  name: 'log probabilities',
  bytes: recordings.bytes('logprobs.ndjson'),
  events: [
    { type: 'start', model: 'gemma3' },
    {
      type: 'text',
      text: 'Hi',
      logprobs: [
        {
          token: 'Hi',
          logprob: -0.12,
          bytes: [72, 105],
          top: [
            { token: 'Hi', logprob: -0.12, bytes: [72, 105] },
            { token: 'Hello', logprob: -2.4, bytes: null },
          ],
        },
      ],
    },
    {
      type: 'text',
      text: ' 👋!',
      logprobs: [
        { token: ' 👋', logprob: -1.5, bytes: [32, 240, 159, 145, 139], top: [] },
        { token: '!', logprob: -0.01, bytes: null, top: [] },
      ],
    },
    { type: 'finish', reason: 'stop', rawReason: 'stop', usage: { inputTokens: 11, outputTokens: 4 } },
  ],
};

function refusal(
  name: string,
  status: number,
  expected: Refusal['expected'],
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const body = { error: `${upstreamCanary}: model "gemma4" not found, ${credentialCanary}` };
  return { name, body, answer: { status, headers }, expected };
}

const refusals: readonly Refusal[] = [
  refusal('a bad request', 400, { code: 'invalid_request', retryable: false }),
  refusal('a proxy that wants another key', 401, { code: 'authentication', retryable: false }),
  refusal('a model in the cloud that is not for us', 403, { code: 'permission', retryable: false }),
  refusal('an unknown model', 404, { code: 'not_found', retryable: false }),
  refusal(
    'too many requests',
    429,
    { code: 'rate_limit', retryable: true, retryAfterMs: 7000 },
    { 'retry-after': '7' },
  ),
  refusal('a model that does not run', 500, { code: 'unknown', retryable: true }),
  refusal('a full queue', 503, { code: 'overloaded', retryable: true }),
];

const lines = (...values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('');
const message = (fields: object): object => ({ model: 'gemma4', message: fields, done: false });
const done = { model: 'gemma4', message: { content: '' }, done: true, done_reason: 'stop' };
const call = (called: unknown): object => message({ content: '', tool_calls: [{ function: called }] });

const invalid: Readonly<Record<string, string>> = {
  'text that is not JSON': `{"model":\n${lines(done)}`,
  'the lines of an event stream': `data: ${lines(done)}`,
  'a line that is not an object': lines([1], done),
  'a message that is not an object': lines({ message: 'x' }, done),
  'text that is not text': lines(message({ content: 7 }), done),
  'thinking that is not text': lines(message({ content: '', thinking: true }), done),
  'a model that is not text': lines({ ...message({ content: 'x' }), model: 7 }, done),
  'tool calls that are not a list': lines(message({ tool_calls: {} }), done),
  'a tool call without a function': lines(message({ tool_calls: [{}] }), done),
  'a tool call without a name': lines(call({ arguments: {} }), done),
  'arguments that are text': lines(call({ name: 'f', arguments: '{}' }), done),
  'log probabilities that are not numbers': lines(
    { ...message({ content: 'x' }), logprobs: [{ token: 'x', logprob: 'high' }] },
    done,
  ),
  'done in words': lines(message({ content: 'x' }), { ...done, done: 'yes' }),
  'a reason that is not text': lines(message({ content: 'x' }), { ...done, done_reason: 1 }),
  'usage that is not a count': lines(message({ content: 'x' }), { ...done, eval_count: '8' }),
  'a negative usage': lines(message({ content: 'x' }), { ...done, prompt_eval_count: -1 }),
};

const http: HttpContract = {
  contentType: 'application/x-ndjson',
  recordings: [textRecording, toolRecording, toolsWithoutIds, thinkingRecording, logprobs],
  withoutUsage: recordings.bytes('text-without-usage.ndjson'),
  withUnknownKinds: recordings.bytes('text-with-unknown-kinds.ndjson'),
  invalid: Object.entries(invalid).map(([name, stream]) => [name, Buffer.from(stream)]),
  errorInStream: { bytes: recordings.bytes('error-in-stream.ndjson'), code: 'unknown' },
  terminator:
    Buffer.from(textRecording.bytes)
      .toString()
      .split(/(?<=\n)/)
      .at(-1) ?? '',
  refusals,
};

describeProviderContract('ollama', {
  makeProvider: () => new OllamaProvider(new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('ollama', upstreamUrl, credentialCanary),
  request: { model: 'gemma4', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] },
  http,
});
