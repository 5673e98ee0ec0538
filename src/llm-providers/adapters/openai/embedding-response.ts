import type { EmbedResult } from '../../contract/embed.js';
import { type JsonObject, UnexpectedShapeError } from '../../json-shape.js';

/**
 * The answer of POST /embeddings, whose items carry the index of their input and need not be in order.
 * https://platform.openai.com/docs/api-reference/embeddings/object
 * @throws UnexpectedShapeError also when an input has no vector.
 */
export function toEmbedResult(response: JsonObject, inputCount: number): EmbedResult {
  const byIndex = new Map(
    response
      .requiredObjects('data')
      .map((item) => [item.requiredCount('index'), item.requiredNumbers('embedding')]),
  );
  const vectors = Array.from({ length: inputCount }, (_, index) => {
    const vector = byIndex.get(index);
    if (vector === undefined)
      throw new UnexpectedShapeError('data', `a vector for each of ${inputCount} inputs`);
    return vector;
  });
  const inputTokens = response.object('usage')?.count('prompt_tokens');
  return { vectors, ...(inputTokens === undefined ? {} : { inputTokens }) };
}
