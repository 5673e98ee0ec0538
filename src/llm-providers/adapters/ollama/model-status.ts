import type { ModelStatus } from '../../contract/model-info.js';
import { ProviderError } from '../../contract/provider-error.js';
import { type JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { isSameModel } from './model-names.js';
import { nameOf } from './ollama-models.js';

/**
 * A model among those in memory; undefined when it is not there.
 * @param running the answer of GET /api/ps: https://docs.ollama.com/api/ps
 * @throws UnexpectedShapeError
 */
export function runningStatus(model: string, running: JsonObject): ModelStatus | undefined {
  const entry = find(model, running);
  if (entry === undefined) return undefined;
  // All that it takes; `size_vram` is the part that is on the graphics card.
  const memoryBytes = entry.count('size') ?? entry.count('size_vram');
  const expiresAt = timeOf(entry, 'expires_at');
  return {
    state: 'loaded',
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/**
 * A model among those that the server has but that are not in memory. One that runs elsewhere, at ollama.com, needs no loading.
 * @param tags the answer of GET /api/tags: https://docs.ollama.com/api/tags
 * @throws UnexpectedShapeError
 */
export function storedStatus(model: string, tags: JsonObject): ModelStatus {
  const entry = find(model, tags);
  if (entry === undefined) return { state: 'unavailable' };
  return { state: entry.text('remote_host') === undefined ? 'not_loaded' : 'loaded' };
}

/** Whether the failure says that nobody can use the server now, rather than that it does not let us. */
export function isDown(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return false;
  return ['network', 'timeout', 'overloaded'].includes(error.code) || (error.status ?? 0) >= 500;
}

function find(model: string, list: JsonObject): JsonObject | undefined {
  return list.requiredObjects('models').find((entry) => isSameModel(nameOf(entry), model));
}

function timeOf(entry: JsonObject, key: string): Date | undefined {
  const text = entry.text(key);
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new UnexpectedShapeError(key, 'a time');
  return time;
}
