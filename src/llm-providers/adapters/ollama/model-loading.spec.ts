import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { json } from '../../../../bench/upstream/scripts.js';
import { ScriptedUpstream } from '../../../../bench/upstream/scripted-upstream.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { SystemClock } from '../../../common/clock.js';
import { OllamaProvider } from './ollama.provider.js';

let upstream: ScriptedUpstream;
let ollama: OllamaProvider;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  upstream.route('POST', '/api/show', json({ capabilities: ['completion'] }));
  upstream.route('POST', '/api/generate', json({ done: true, done_reason: 'load' }));
  ollama = new OllamaProvider(new SystemClock(), localOutbound);
});

afterAll(async () => {
  await ollama.close();
  await upstream.stop();
});

it.each([
  [0, undefined],
  ['0', undefined],
  ['0s', undefined],
  ['0.5s', '0.5s'],
  ['5m', '5m'],
  [-1, -1],
  [30, 30],
])(
  'loading with a keep_alive of %j asks for %j: what is loaded is not unloaded at once',
  async (option, sent) => {
    const connection = {
      id: `ollama-${String(option)}`,
      version: 1,
      kind: 'ollama',
      name: 'ollama',
      baseUrl: upstream.url,
      timeouts: { connectMs: 2000, headersMs: 2000, idleMs: 2000 },
      options: { keep_alive: option },
    } as const;
    const call = { connection, signal: new AbortController().signal, requestId: 'req_1' };
    let last: unknown;
    for await (const progress of ollama.load('gemma4', call)) last = progress;
    expect(last).toEqual({ state: 'loaded' });
    const body = JSON.parse(upstream.requests.at(-1)?.body ?? '') as { keep_alive?: unknown };
    expect(body.keep_alive).toEqual(sent);
  },
);
