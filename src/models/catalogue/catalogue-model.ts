import type { Role } from '../../common/owner.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import type { ModelInfo } from '../../llm-providers/contract/model-info.js';
import type { ModelProvider } from '../../llm-providers/contract/model-provider.js';

/** Micro-units of a currency unit for a million tokens: 3 USD is 3,000,000. Absent means that nobody said. */
export interface Pricing {
  /** ISO 4217. */
  readonly currency: string;
  readonly input: number;
  readonly output: number;
  readonly cachedRead?: number | undefined;
  readonly cachedWrite?: number | undefined;
}

/** A model as a tenant has it: what the vendor says, completed by the curated table, overridden by the tenant's admins. */
export interface CatalogueModel extends ModelInfo {
  readonly pricing?: Pricing | undefined;
  /** What it is told in threads where neither the request nor an alias nor the person says anything. */
  readonly systemPrompt?: string | undefined;
  /** Only callable with a personal key. */
  readonly apiKeyRequired: boolean;
  /** A local model, which has to be in memory before it answers. */
  readonly requiresLoading: boolean;
  /** Who may use it; null for every role. Admins always may. */
  readonly roles: readonly Role[] | null;
  /** Who may use it; null for every group. Somebody in one of the groups, or of one of the roles, may. */
  readonly groups: readonly string[] | null;
}

/** What admins may say otherwise. */
export const overridableFields = [
  'name',
  'contextLength',
  'maxOutputTokens',
  'pricing',
  'temperature',
  'capabilities',
  'systemPrompt',
  'apiKeyRequired',
  'requiresLoading',
  'roles',
  'groups',
  'hidden',
] as const;

export type OverridableField = (typeof overridableFields)[number];

interface Overridable extends CatalogueModel {
  /** Not listed for others than admins. Who may use it is not touched: aliases of it, and its name, still lead to it. */
  readonly hidden: boolean;
}

/** What admins say of a model; absent where they leave it as it is. */
export type OverriddenFields = {
  readonly [Field in OverridableField]?: NonNullable<Overridable[Field]>;
};

/** A model together with everything that it takes to call it. */
export interface AvailableModel {
  readonly model: CatalogueModel;
  readonly provider: ModelProvider;
  readonly connection: Connection;
  /** See `Overridable`. */
  readonly hidden: boolean;
  /** What the tenant's admins say otherwise than vendor and curated table. */
  readonly overridden: readonly OverridableField[];
}
