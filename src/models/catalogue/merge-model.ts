import type { ResolvedModel } from '../../llm-providers/provider-registry.js';
import type { TemperatureRange } from '../../llm-providers/contract/model-info.js';
import {
  overridableFields,
  type AvailableModel,
  type CatalogueModel,
  type OverriddenFields,
} from './catalogue-model.js';
import { curatedModel, type CuratedModel } from './curated-table.js';

/**
 * A model as a tenant has it (models.md, Connections, catalogue, aliases, routers): what an admin says, else what the vendor itself says,
 * else the curated table, else what the adapter expects of any model.
 * @param curated of the model, or of the model that it is a version of
 */
export function mergeModel(
  { model: listed, provider, connection }: ResolvedModel,
  override: OverriddenFields = {},
  curated: Partial<CuratedModel> = curatedModel(listed.provider, listed.id) ?? {},
): AvailableModel {
  const { hidden = false, ...said } = override;
  const told = new Set(listed.told);
  const contextLength = listed.contextLength ?? curated.contextLength;
  const maxOutputTokens = listed.maxOutputTokens ?? curated.maxOutputTokens;
  const model: CatalogueModel = {
    ...listed,
    name: listed.name === listed.id ? (curated.name ?? listed.id) : listed.name,
    capabilities: (told.has('capabilities') ? undefined : curated.capabilities) ?? listed.capabilities,
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    temperature: (told.has('temperature') ? undefined : rangeOf(curated)) ?? listed.temperature,
    ...(curated.pricing === undefined ? {} : { pricing: curated.pricing }),
    requiresLoading: provider.load !== undefined,
    roles: null,
    groups: null,
    ...said,
    // Where everybody has to bring one, no model is without.
    apiKeyRequired: connection.personalKeys === 'required' || said.apiKeyRequired === true,
  };
  const overridden = overridableFields.filter((field) => override[field] !== undefined);
  return { model, provider, connection, hidden, overridden };
}

/** Where a vendor takes its default only, that is 1 with all of them. */
const fixedTemperature: TemperatureRange = { min: 1, max: 1, step: 0.1, default: 1 };

function rangeOf({ temperature }: Partial<CuratedModel>): TemperatureRange | undefined {
  return temperature === null ? fixedTemperature : temperature;
}
