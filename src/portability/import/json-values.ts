import { firstCharacters } from '../../common/first-characters.js';
import { storable } from '../../common/storable.js';
import { isModelId } from '../../infrastructure/http/model-id.pipe.js';
import { RefusedConversation } from './conversation.js';

/** An object of JSON of which nothing is known. */
export type JsonObject = Readonly<Partial<Record<string, unknown>>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws RefusedConversation when it is something else */
export function objectOf(value: unknown): JsonObject {
  if (!isObject(value)) throw new RefusedConversation('malformed');
  return value;
}

/** @throws RefusedConversation when it is something else */
export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new RefusedConversation('malformed');
  return value;
}

/** As the database can keep it; undefined when it is no text, or empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? storable(value) : undefined;
}

/** The beginning of a text; undefined for a blank one. */
export function shortTextOf(value: unknown, maximum: number): string | undefined {
  const text = firstCharacters(textOf(value)?.trim() ?? '', maximum);
  return text === '' ? undefined : text;
}

const maxIdLength = 200;

/** An id as its maker gave it; undefined when it is none. */
export function idOf(value: unknown): string | undefined {
  const id = textOf(value);
  return id !== undefined && id.length <= maxIdLength ? id : undefined;
}

/** The name of a model as a thread can have it; undefined when it is none. */
export function modelIdOf(value: unknown): string | undefined {
  return isModelId(value) ? value : undefined;
}

/** From 1970 until tomorrow; a time beyond that is a mistake of whoever wrote it. */
export function timeOf(ms: number, now: Date): Date | undefined {
  const latest = now.getTime() + 24 * 60 * 60 * 1000;
  return ms > 0 && ms <= latest ? new Date(ms) : undefined;
}
