import { isModelId } from '../infrastructure/http/model-id.pipe.js';
import type { ModelInfo } from './contract/model-info.js';
import { JsonObject, UnexpectedShapeError } from './json-shape.js';

/** More models than that nobody chooses from. */
export const maxListedModels = 5000;

/** What a path cannot say: whoever reads a URL takes them for the way up. */
const steps: ReadonlySet<string> = new Set(['.', '..']);

/**
 * The models of a vendor's list that can chat or embed: `before`, those of the pages before this one, and then its own, 5,000 in all.
 * Entries that are no models are left out one by one: those of another shape, and those whose id nobody could ask for.
 * @param toModel throws UnexpectedShapeError for an entry of another shape
 */
export function listedModels(
  entries: readonly unknown[],
  toModel: (entry: JsonObject) => ModelInfo,
  before: readonly ModelInfo[] = [],
): readonly ModelInfo[] {
  const models = [...before];
  for (const entry of entries) {
    if (models.length >= maxListedModels) break;
    const model = modelOf(entry, toModel);
    if (model !== undefined && model.capabilities.length > 0) models.push(model);
  }
  return models;
}

function modelOf(entry: unknown, toModel: (entry: JsonObject) => ModelInfo): ModelInfo | undefined {
  try {
    const model = toModel(JsonObject.from(entry, 'model'));
    if (!isModelId(model.id) || steps.has(model.id)) return undefined;
    // A name that cannot be stored and shown, as an id can, says nothing.
    return isModelId(model.name) ? model : { ...model, name: model.id };
  } catch (error) {
    if (error instanceof UnexpectedShapeError) return undefined;
    throw error;
  }
}
