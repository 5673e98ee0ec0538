import { fromBase64, toBase64 } from '../../float32.js';
import { isRecord } from '../../json-shape.js';

/**
 * The answer of POST /embeddings with its vectors in the format that the program asked for: not every server knows the more compact
 * base64 of little-endian float32 (https://platform.openai.com/docs/api-reference/embeddings/create).
 * @returns undefined when it has them so already
 */
export function inFormat(answer: unknown, format: 'base64' | 'float'): object | undefined {
  if (!isRecord(answer) || !Array.isArray(answer['data'])) return undefined;
  const items: readonly unknown[] = answer['data'];
  if (!items.some((item) => convertible(item, format))) return undefined;
  return { ...answer, data: items.map((item) => (isRecord(item) ? converted(item, format) : item)) };
}

function convertible(item: unknown, format: 'base64' | 'float'): boolean {
  return isRecord(item) && (format === 'base64') === Array.isArray(item['embedding']);
}

function converted(item: Readonly<Record<string, unknown>>, format: 'base64' | 'float'): object {
  const { embedding } = item;
  if (format === 'base64' && Array.isArray(embedding)) {
    return { ...item, embedding: toBase64(embedding as readonly number[]) }; // What is no number becomes NaN.
  }
  if (format === 'float' && typeof embedding === 'string')
    return { ...item, embedding: fromBase64(embedding) };
  return item;
}
