import type { EmbedResult } from '../../contract/embed.js';
import { type JsonObject, UnexpectedShapeError } from '../../json-shape.js';

/**
 * The answer of POST /api/embed: https://docs.ollama.com/api/embed
 * @throws UnexpectedShapeError also when there is not one vector for each input
 */
export function toEmbedResult(response: JsonObject, inputCount: number): EmbedResult {
  const vectors = response.value('embeddings');
  if (!Array.isArray(vectors) || vectors.length !== inputCount || !vectors.every(isVector)) {
    throw new UnexpectedShapeError('embeddings', `a vector for each of ${inputCount} inputs`);
  }
  const inputTokens = response.count('prompt_eval_count');
  return { vectors, ...(inputTokens === undefined ? {} : { inputTokens }) };
}

function isVector(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
