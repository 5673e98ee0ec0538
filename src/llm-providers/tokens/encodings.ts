import type { ModelInfo } from '../contract/model-info.js';

/** Whose tokens are counted. */
export type CountedModel = Pick<ModelInfo, 'provider' | 'id'>;

/** The byte pair encodings that are known. That of gpt-oss, o200k_harmony, is o200k with other special tokens. */
export type EncodingName = 'o200k' | 'cl100k';

/** By the vendor's name, whoever serves it: `openai/gpt-4o`, `gpt-oss:20b`, `ft:gpt-4.1:acme::1`, `gpt-35-turbo` of Azure. */
const encodings: readonly (readonly [name: RegExp, encoding: EncodingName])[] = [
  [/^(?:chatgpt-)?gpt-(?:4o|4\.1|4\.5|[5-9]|oss)(?![\da-z])/, 'o200k'],
  [/^chatgpt-4o-/, 'o200k'],
  [/^o[134](?:-(?:mini|pro|preview|deep-research))*(?:-\d{4}-\d{2}-\d{2})?$/, 'o200k'],
  [/^gpt-(?:4|3\.5|35)(?:-|$)/, 'cl100k'],
  [/^text-embedding-(?:3-|ada-002)/, 'cl100k'],
];

/**
 * The encoding of a model, undefined when it is not known. Of OpenAI itself what is newer than this list has that of every model since
 * 2024: https://github.com/openai/tiktoken/blob/main/tiktoken/model.py
 */
export function encodingOf({ provider, id }: CountedModel): EncodingName | undefined {
  const name = id.toLowerCase().replace(/^ft:/, '').replace(/^.*\//, '');
  const known = encodings.find(([pattern]) => pattern.test(name));
  return known?.[1] ?? (provider === 'openai' ? 'o200k' : undefined);
}
