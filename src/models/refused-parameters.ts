import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { PresetParameters, RouteTarget } from './model-route.js';

/** Why a model cannot be asked with these parameters, whatever it is asked; undefined when it can. Asks nobody. */
export function refusalOf(
  { provider, connection, model }: Pick<RouteTarget, 'provider' | 'connection' | 'model'>,
  parameters: PresetParameters,
): ProviderError | undefined {
  try {
    provider.check?.({ ...parameters, model: model.id, messages: [] }, connection);
    return undefined;
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}
