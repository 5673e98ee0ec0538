import type { EmbedRequest, EmbedResult } from '../../llm-providers/contract/embed.js';
import { toBase64 } from '../../llm-providers/float32.js';
import { present } from '../../llm-providers/present.js';
import { invalid, RequestFields, unsupported } from '../request-fields.js';
import { refuseTooMany, requestCaps } from '../request-caps.js';

type EmbeddingFormat = 'float' | 'base64';

/** @throws DomainError VALIDATION_FAILED for another than those two */
export function formatOf(body: Readonly<Record<string, unknown>>): EmbeddingFormat {
  const fields = new RequestFields(body);
  if (Array.isArray(body['input'])) refuseTooMany(fields, 'input', requestCaps.inputs);
  return fields.oneOf('encoding_format', ['float', 'base64']) ?? 'float';
}

/**
 * What is asked, in no vendor's words: https://platform.openai.com/docs/api-reference/embeddings/create
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER also for tokens, which are those of one vendor's models
 */
export function toEmbedRequest(body: Readonly<Record<string, unknown>>): Omit<EmbedRequest, 'model'> {
  const fields = new RequestFields(body);
  for (const name of ['model', 'encoding_format']) fields.value(name);
  const request = present({
    inputs: inputsOf(fields),
    dimensions: fields.integer('dimensions', { minimum: 1 }),
  });
  fields.refuseRest();
  return request;
}

function inputsOf(fields: RequestFields): readonly string[] {
  const input = fields.value('input');
  const texts: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (texts.length > 0 && texts.every((text) => typeof text === 'string')) return texts;
  if (texts.some((text) => typeof text === 'number' || Array.isArray(text))) throw unsupported('input');
  throw invalid('input', 'a string or a list of strings');
}

/** https://platform.openai.com/docs/api-reference/embeddings/object */
export function toEmbeddingList(
  vectors: EmbedResult['vectors'],
  asked: { readonly model: string; readonly format: EmbeddingFormat; readonly inputTokens: number },
): object {
  const { model, format, inputTokens: tokens } = asked;
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: format === 'base64' ? toBase64(vector) : vector,
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}
