import { SystemClock } from '../../src/common/clock.js';
import { OpenAiProvider } from '../../src/llm-providers/adapters/openai/openai.provider.js';
import { localOutbound } from '../support/local-outbound.js';
import { scriptedConnection } from '../support/provider-scene.js';
import { Recordings } from '../support/recordings.js';
import { describeForwardContract, type ForwardContract } from './forward-contract.js';
import { credentialCanary, upstreamCanary } from './stream-run.js';

const bytes = new Recordings('openai').bytes('text.sse');
const body = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }], stream: true };
const withUsage = { ...body, stream_options: { include_usage: true } };
const request = { protocol: 'openai-chat', model: 'gpt-4.1' } as const;
const done = 'data: [DONE]\n\n';

/** The recording as somebody gets it who asked for no usage: without the field, and without the chunk that has nothing else. */
const withoutUsage = Buffer.from(bytes)
  .toString()
  .split('\n\n')
  .filter((event) => !event.includes('"choices":[]'))
  .join('\n\n')
  .replaceAll(',"usage":null', '');

const contract: Omit<ForwardContract, 'streamed'> = {
  makeProvider: () => new OpenAiProvider('openai-compatible', new SystemClock(), localOutbound),
  connection: (url) => scriptedConnection('openai-compatible', `${url}/v1`, credentialCanary),
  whole: { ...request, body: { ...body, stream: false } },
  answer: {
    bytes,
    seen: Buffer.from(bytes).toString(),
    usage: { inputTokens: 19, outputTokens: 10, cachedInputTokens: 4, reasoningTokens: 0 },
  },
  wholeAnswer: {
    body: { id: 'x', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 }, theirs: [1] },
    usage: { inputTokens: 3, outputTokens: 2 },
  },
  terminator: done,
  errorInStream: {
    bytes: `data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: {"object":"error","message":"${upstreamCanary}","code":400}\n\n${done}`,
    code: 'invalid_request',
  },
};

describeForwardContract('openai-compatible, with usage', {
  ...contract,
  streamed: { ...request, body: withUsage },
});

describeForwardContract('openai-compatible, its usage hidden', {
  ...contract,
  streamed: { ...request, body },
  answer: { ...contract.answer, seen: withoutUsage },
});
