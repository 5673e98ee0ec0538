import type { EmbedResult } from '../../contract/embed.js';
import { type JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { present } from '../../present.js';

/** "At most 100 requests can be in one batch", says the API to more. */
const maxBatchSize = 100;

export function toBatches(inputs: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(inputs.length / maxBatchSize);
  return Array.from({ length: count }, (_, index) =>
    inputs.slice(index * maxBatchSize, (index + 1) * maxBatchSize),
  );
}

/**
 * The body of POST /models/{model}:batchEmbedContents. https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
 * @param resource `models/{model}`, once more for each input
 */
export function toBatchEmbedBody(
  inputs: readonly string[],
  resource: string,
  outputDimensionality?: number,
): object {
  return {
    requests: inputs.map((text) =>
      present({ model: resource, content: { parts: [{ text }] }, outputDimensionality }),
    ),
  };
}

/**
 * The vectors are in the order of the inputs.
 * @throws UnexpectedShapeError also when an input has no vector.
 */
export function toBatchEmbedResult(response: JsonObject, inputCount: number): EmbedResult {
  const vectors = response.requiredObjects('embeddings').map((one) => one.requiredNumbers('values'));
  if (vectors.length !== inputCount || vectors.some((vector) => vector.length === 0)) {
    throw new UnexpectedShapeError('embeddings', `a vector for each of ${inputCount} inputs`);
  }
  const inputTokens = response.object('usageMetadata')?.count('promptTokenCount');
  return { vectors, ...(inputTokens === undefined ? {} : { inputTokens }) };
}

/** All batches as one; the tokens are known when they are of every batch. */
export function joinBatches(batches: readonly EmbedResult[]): EmbedResult {
  const counts = batches.flatMap(({ inputTokens }) => inputTokens ?? []);
  const isKnown = batches.length > 0 && counts.length === batches.length;
  return {
    vectors: batches.flatMap((batch) => batch.vectors),
    ...(isKnown ? { inputTokens: counts.reduce((sum, count) => sum + count) } : {}),
  };
}
