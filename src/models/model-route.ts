import type { ModelReach } from '../auth/caller.js';
import type { Connection } from '../llm-providers/contract/connection.js';
import type { ModelProvider } from '../llm-providers/contract/model-provider.js';
import type { CatalogueModel } from './catalogue/catalogue-model.js';
import type { UsedKey } from './personal-keys/personal-key.entity.js';

/** What an alias fills in where a request says nothing, in the words of `GenerateRequest`. */
export interface PresetParameters {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly reasoning?:
    { readonly effort?: string | undefined; readonly budgetTokens?: number | undefined } | undefined;
}

/** One model that may answer, with everything that it takes to call it. */
export interface RouteTarget {
  /** Of whoever it is called for. */
  readonly tenantId: string;
  readonly userId: string;
  readonly provider: ModelProvider;
  /** With the caller's own credential when that is what pays. */
  readonly connection: Connection;
  readonly model: CatalogueModel;
  /** The personal key that `connection` carries; undefined for the organisation's. */
  readonly personalKey?: UsedKey | undefined;
  /** Of the aliases on the way to it, the outermost first. */
  readonly parameters: PresetParameters;
  readonly systemPrompt?: string | undefined;
  /** Most tokens of context to use, when an alias says so. */
  readonly contextTokens?: number | undefined;
  /** Share of the calls that it is asked first, in a weighted router. */
  readonly weight: number;
}

/** How a router goes through its targets; of a model or an alias, a single target. */
export interface RoutePolicy {
  readonly strategy: 'ordered' | 'weighted';
  /** Targets to try at most, the first included. */
  readonly maxTargets: number;
  /** For how long a target that failed is tried last, in ms; longer when it says Retry-After. */
  readonly cooldownMs: number;
}

/** What a name leads to: a model, an alias of one, or a router with several. */
export interface ModelRoute {
  /** The name that was asked for. */
  readonly id: string;
  /** Never empty; in the router's order. */
  readonly targets: readonly RouteTarget[];
  readonly policy: RoutePolicy;
  /** Of the credential that it was found for: what is done later on its account keeps within it. */
  readonly reach: ModelReach;
}
