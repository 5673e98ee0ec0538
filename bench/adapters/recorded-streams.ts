import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../src/common/clock.js';
import type { Outbound } from '../../src/infrastructure/outbound/outbound.js';
import { AnthropicProvider } from '../../src/llm-providers/adapters/anthropic/anthropic.provider.js';
import { GoogleProvider } from '../../src/llm-providers/adapters/google/google.provider.js';
import { OllamaProvider } from '../../src/llm-providers/adapters/ollama/ollama.provider.js';
import { OpenAiProvider } from '../../src/llm-providers/adapters/openai/openai.provider.js';
import type { ModelProvider } from '../../src/llm-providers/contract/model-provider.js';

/** An adapter, and what its vendor says. */
export interface RecordedStream {
  /** In the table of figures and in the paths of the upstream. */
  readonly name: string;
  /** Below src/llm-providers/adapters. */
  readonly file: string;
  /** In the one event of the recording that is said again and again: a piece of text. */
  readonly repeated: string;
  /** What the adapter wants at the end of its base URL. */
  readonly basePath?: string;
  makeProvider(clock: Clock, outbound: Outbound): ModelProvider;
}

const repeated = '" aus"';

/** A new adapter adds its line. */
export const recordedStreams: readonly RecordedStream[] = [
  {
    name: 'openai-responses',
    file: 'openai/__fixtures__/responses-text.sse',
    repeated,
    basePath: '/v1',
    makeProvider: (clock, outbound) => new OpenAiProvider('openai', clock, outbound),
  },
  {
    name: 'openai-chat',
    file: 'openai/__fixtures__/text.sse',
    repeated,
    basePath: '/v1',
    makeProvider: (clock, outbound) => new OpenAiProvider('openai-compatible', clock, outbound),
  },
  {
    name: 'azure-openai',
    file: 'openai/__fixtures__/azure-text.sse',
    repeated,
    makeProvider: (clock, outbound) => new OpenAiProvider('azure-openai', clock, outbound),
  },
  {
    name: 'anthropic',
    file: 'anthropic/__fixtures__/text.sse',
    repeated,
    makeProvider: (clock, outbound) => new AnthropicProvider(clock, outbound),
  },
  {
    name: 'google',
    file: 'google/__fixtures__/text.sse',
    repeated: '" aus 東京 👋🏽"',
    makeProvider: (clock, outbound) => new GoogleProvider(clock, outbound),
  },
  {
    name: 'ollama',
    file: 'ollama/__fixtures__/text.ndjson',
    repeated,
    makeProvider: (clock, outbound) => new OllamaProvider(clock, outbound),
  },
];

export interface LongStream {
  readonly contentType: string;
  /** One event each. */
  readonly pieces: readonly Buffer[];
}

/**
 * The recording, with its piece of text this many times.
 * @throws Error when there is none in it, or several
 */
export async function longStream(recorded: RecordedStream, chunks: number): Promise<LongStream> {
  // The recordings are not compiled: this file is in dist/bench/adapters.
  const file = path.join(import.meta.dirname, '../../../src/llm-providers/adapters', recorded.file);
  const isLines = file.endsWith('.ndjson');
  const pieces = (await readFile(file, 'utf8')).split(isLines ? /(?<=\n)/ : /(?<=\n\r?\n)/);
  const found = pieces.filter((piece) => piece.includes(recorded.repeated));
  if (found.length !== 1) throw new Error(`${recorded.file} has ${found.length} pieces to repeat`);
  return {
    contentType: isLines ? 'application/x-ndjson' : 'text/event-stream',
    pieces: pieces.flatMap((piece) =>
      new Array<Buffer>(found.includes(piece) ? chunks : 1).fill(Buffer.from(piece)),
    ),
  };
}
