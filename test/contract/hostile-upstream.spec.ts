import { beforeAll, describe, expect, it } from '@jest/globals';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import type { Exchange } from '../../bench/upstream/exchange.js';
import { json, type Script, stream } from '../../bench/upstream/scripts.js';
import { SystemClock } from '../../src/common/clock.js';
import { AnthropicProvider } from '../../src/llm-providers/adapters/anthropic/anthropic.provider.js';
import { GoogleProvider } from '../../src/llm-providers/adapters/google/google.provider.js';
import { OllamaProvider } from '../../src/llm-providers/adapters/ollama/ollama.provider.js';
import { OpenAiProvider } from '../../src/llm-providers/adapters/openai/openai.provider.js';
import { collect } from '../../src/llm-providers/contract/collect.js';
import type { GenerateRequest } from '../../src/llm-providers/contract/generate-request.js';
import type { CallContext, ModelProvider } from '../../src/llm-providers/contract/model-provider.js';
import { localOutbound } from '../support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../support/provider-scene.js';

const clock = new SystemClock();
const mebibyte = 1024 * 1024;
/** What a body becomes that nobody should decompress. */
const bombBytes = 256 * mebibyte;
/** What the kernels on both ends may hold of a body that nobody reads any more. */
const socketBytes = 8 * mebibyte;

const adapters = [
  {
    kind: 'openai',
    make: () => new OpenAiProvider('openai', clock, localOutbound),
    listOf: (entries: readonly unknown[]) => ({ data: entries }),
    idField: 'id',
  },
  {
    kind: 'openai-compatible',
    make: () => new OpenAiProvider('openai-compatible', clock, localOutbound),
    listOf: (entries: readonly unknown[]) => ({ data: entries }),
    idField: 'id',
  },
  {
    kind: 'anthropic',
    make: () => new AnthropicProvider(clock, localOutbound),
    listOf: (entries: readonly unknown[]) => ({ data: entries, has_more: entries.length > 0, last_id: 'x' }),
    idField: 'id',
  },
  {
    kind: 'google',
    make: () => new GoogleProvider(clock, localOutbound),
    listOf: (entries: readonly unknown[]) => ({
      models: entries,
      nextPageToken: entries.length > 0 ? 'x' : undefined,
    }),
    idField: 'name',
  },
  {
    kind: 'ollama',
    make: () => new OllamaProvider(clock, localOutbound),
    listOf: (entries: readonly unknown[]) => ({ models: entries }),
    idField: 'model',
  },
] as const;

const request: GenerateRequest = {
  model: 'm',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

const doors: readonly (readonly [
  name: string,
  (provider: ModelProvider, call: CallContext) => Promise<unknown>,
])[] = [
  ['verify', (provider, call) => provider.verify(call)],
  ['listModels', (provider, call) => provider.listModels(call)],
  ['stream', (provider, call) => collect(provider.stream(request, call))],
];

let bombs: readonly (readonly [coding: string, bytes: Uint8Array])[];

beforeAll(() => {
  const zeros = Buffer.alloc(bombBytes);
  const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  bombs = [
    ['gzip', gzipSync(zeros, { level: 1 })],
    ['GZIP, gzip', gzipSync(gzipSync(zeros, { level: 1 }))],
    ['deflate', deflateSync(zeros, { level: 1 })],
    ['br', brotliCompressSync(zeros, quick)],
  ];
});

interface Flood {
  readonly script: Script;
  sentBytes: number;
}

/** Writes until the client has had enough. */
function flood(piece: string, status = 200, type = 'application/json'): Flood {
  const sending = {
    sentBytes: 0,
    script: async (exchange: Exchange) => {
      exchange.head(status, { 'content-type': type });
      while (!exchange.isClosed) {
        await exchange.write(piece);
        sending.sentBytes += piece.length;
      }
    },
  };
  return sending;
}

/** The most memory that this process ever had, in bytes. */
function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

describe.each(adapters)('$kind before a hostile upstream', ({ kind, make, listOf, idField }) => {
  const scene = new ProviderScene<ModelProvider>({
    makeProvider: make,
    connection: (upstreamUrl) => ({
      ...scriptedConnection(kind, upstreamUrl, 'key-one'),
      headers: { 'Accept-Encoding': 'gzip' },
    }),
    request,
  }).register();
  const hasPages = kind === 'anthropic' || kind === 'google';

  it.each(doors)('%s decompresses nothing, and says so beforehand', async (_name, ask) => {
    const before = peakBytes();
    for (const [coding, bytes] of bombs) {
      for (const type of ['application/json', 'text/event-stream', 'application/x-ndjson']) {
        const headers = { 'content-encoding': coding, 'content-type': type };
        scene.upstream.enqueue(stream([bytes], { headers, ending: 'stall' }));
        const asking = ask(scene.provider, scene.call());
        await expect(asking).rejects.toMatchObject({ code: 'invalid_response', retryable: false });
        await (
          await scene.upstream.nextExchange()
        ).closed;
        expect(scene.upstream.requests.at(-1)?.headers['accept-encoding']).toBe('identity');
      }
    }
    expect(peakBytes() - before).toBeLessThan(bombBytes / 2);
  });

  it.each(doors)('%s knows a refusal by its status, though its body is compressed', async (_name, ask) => {
    const before = peakBytes();
    for (const [coding, bytes] of bombs) {
      const headers = { 'content-encoding': coding, 'content-type': 'application/json', 'retry-after': '7' };
      scene.upstream.enqueue(stream([bytes], { status: 429, headers }));
      const asking = ask(scene.provider, scene.call());
      await expect(asking).rejects.toMatchObject({ code: 'rate_limit', status: 429, retryAfterMs: 7000 });
    }
    expect(peakBytes() - before).toBeLessThan(bombBytes / 2);
  });

  it.each(doors)('%s reads little of a refusal that does not end', async (_name, ask) => {
    const sending = flood('x'.repeat(64 * 1024), 429);
    scene.upstream.enqueue(sending.script);
    await expect(ask(scene.provider, scene.call())).rejects.toMatchObject({ code: 'rate_limit' });
    await (
      await scene.upstream.nextExchange()
    ).closed;
    expect(sending.sentBytes).toBeLessThan(socketBytes);
  });

  it('reads no more of a list than 8 MiB', async () => {
    const sending = flood(' '.repeat(64 * 1024));
    scene.upstream.enqueue(sending.script);
    const listing = scene.provider.listModels(scene.call());
    await expect(listing).rejects.toMatchObject({ code: 'invalid_response' });
    await (
      await scene.upstream.nextExchange()
    ).closed;
    expect(sending.sentBytes).toBeGreaterThan(8 * mebibyte);
    expect(sending.sentBytes).toBeLessThan(8 * mebibyte + socketBytes);
  });

  // One for each way of reading: by fetch, and as it comes.
  if (kind === 'google' || kind === 'ollama') {
    it('reads no more of an answer than 64 MiB', async () => {
      const type = kind === 'ollama' ? 'application/x-ndjson' : 'text/event-stream';
      const sending = flood(`${kind === 'ollama' ? '{}' : ':'}${' '.repeat(mebibyte)}\n`, 200, type);
      scene.upstream.enqueue(sending.script);
      const answer = collect(scene.provider.stream(request, scene.call()));
      await expect(answer).rejects.toMatchObject({ code: 'invalid_response' });
      await (
        await scene.upstream.nextExchange()
      ).closed;
      expect(sending.sentBytes).toBeGreaterThan(64 * mebibyte);
      expect(sending.sentBytes).toBeLessThan(64 * mebibyte + socketBytes);
    });
  }

  it('leaves out of a list what is no model, and keeps the others', async () => {
    const ids = ['', '.', '..', 'a\0b', 'a\nb', '\ud800', 'x'.repeat(201), 7, {}, [], null];
    const entries = [
      ...[null, 7, 'm', [], {}],
      ...ids.map((id) => ({ [idField]: id })),
      { [idField]: 'm/1' },
      ...['name', 'displayName', 'display_name'].map((field) => ({ [field]: 'a\0b', [idField]: 'm2' })),
    ];
    answerLists([entries, []]);
    const models = await scene.provider.listModels(scene.call());
    expect(models.map(({ id }) => id)).toEqual(['m/1', 'm2', 'm2', 'm2']);
    expect(JSON.stringify(models)).not.toContain('\\u0000');
  });

  if (kind === 'ollama') {
    it('reads no more of the details of a model than 2 MiB, and lists it without them', async () => {
      answerLists([[{ model: 'm' }]]);
      const sending = flood(' '.repeat(64 * 1024));
      scene.upstream.route('POST', '/api/show', sending.script);
      expect(await scene.provider.listModels(scene.call())).toMatchObject([{ id: 'm' }]);
      expect(sending.sentBytes).toBeLessThan(2 * mebibyte + socketBytes);
    });
  }

  // Ollama, which has the same list, would be asked for each of them.
  if (kind !== 'ollama') {
    it('takes at most 5,000 models, and asks for no page after them', async () => {
      const page = Array.from({ length: 3000 }, (_, index) => ({ [idField]: `m${index}` }));
      answerLists(hasPages ? [page, page, page] : [[...page, ...page]]);
      expect(await scene.provider.listModels(scene.call())).toHaveLength(5000);
      expect(scene.upstream.requests).toHaveLength(hasPages ? 2 : 1);
    });
  }

  /** Ollama is asked for the details of each model, too. */
  function answerLists(pages: readonly (readonly unknown[])[]): void {
    const scripts = pages.map((entries) => json(listOf(entries)));
    scene.upstream.route('POST', '/api/show', json({}));
    for (const path of ['/models', '/v1/models', '/api/tags']) {
      scene.upstream.route('GET', path, (exchange) => scripts[0]?.(exchange));
    }
    if (hasPages) scene.upstream.enqueue(...scripts);
  }
});
