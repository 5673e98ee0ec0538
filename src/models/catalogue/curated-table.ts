import type { ModelCapability, TemperatureRange } from '../../llm-providers/contract/model-info.js';
import type { ProviderKind } from '../../llm-providers/contract/provider-kind.js';
import type { Pricing } from './catalogue-model.js';
import table from './curated-models.json' with { type: 'json' };

/** What vendors publish of a model, but do not say in their list. Absent where we found nothing. */
export interface CuratedModel {
  /** Whose models these are: a server of another kind that lists the same id is somebody else's, at a price of its own. */
  readonly kinds: readonly string[];
  readonly id: string;
  readonly name: string;
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  /** Of the cheapest tier of prompt length and cache lifetime, without the discounts of batches and flexible service. */
  readonly pricing?: Pricing;
  /** Null where the vendor takes its default only. */
  readonly temperature?: TemperatureRange | null;
  readonly capabilities?: readonly ModelCapability[];
  /** The pages that say so: the vendor's own where we could read them. */
  readonly sources: readonly string[];
  /** The day of the newest of them where they are dated, else the day on which a stored copy was read; YYYY-MM-DD. */
  readonly checked: string;
}

interface CuratedTable {
  readonly asOf: string;
  readonly sources: readonly string[];
  readonly models: readonly CuratedModel[];
}

/** The dated table. */
export const curatedTable = table as CuratedTable; // Its spec holds the file against this type.

const byKindAndId = new Map(
  curatedTable.models.flatMap((model) => model.kinds.map((kind) => [keyOf(kind, model.id), model] as const)),
);

/** Dated versions: `-20251101` of Anthropic, `-2026-03-05` of OpenAI, `-001` of Google. */
const version = /-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{3})$/;

/** A model or a dated version of it; undefined when nobody curated it. */
export function curatedModel(kind: ProviderKind, id: string): CuratedModel | undefined {
  return byKindAndId.get(keyOf(kind, id)) ?? byKindAndId.get(keyOf(kind, id.replace(version, '')));
}

function keyOf(kind: string, id: string): string {
  return `${kind} ${id}`;
}
