import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CL100K_TOKEN_SPLIT_REGEX, O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants';
import { BytePairEncoding } from './byte-pair-encoding.js';
import type { EncodingName } from './encodings.js';

const sources: Readonly<Record<EncodingName, { readonly file: string; readonly pieces: RegExp }>> = {
  o200k: { file: 'gpt-tokenizer/data/o200k_base.tiktoken', pieces: O200K_TOKEN_SPLIT_REGEX },
  cl100k: { file: 'gpt-tokenizer/data/cl100k_base.tiktoken', pieces: CL100K_TOKEN_SPLIT_REGEX },
};

/** Lines to read before others have their turn: about 2 ms. */
const linesAtOnce = 2000;

/** Reads the tokens of an encoding, a few at a time: as a module they would stop the process for 0.2 s. */
export async function loadEncoding(name: EncodingName): Promise<BytePairEncoding> {
  const { file, pieces } = sources[name];
  const lines = await readFile(fileURLToPath(import.meta.resolve(file)), 'latin1');
  const ranks = new Map<string, number>();
  for (let start = 0, end = 0; start < lines.length; start = end + 1) {
    end = lines.indexOf('\n', start);
    const space = lines.indexOf(' ', start);
    const token = Buffer.from(lines.slice(start, space), 'base64').toString('latin1');
    ranks.set(token, Number(lines.slice(space + 1, end)));
    if (ranks.size % linesAtOnce === 0) await nextTurn();
  }
  return new BytePairEncoding(ranks, pieces);
}
