import type { ConfigurationProblem } from './configuration-error.js';
import { environmentNames } from './environment-names.js';
import { type Layer, LAYERS, type Setting } from './setting.js';

/** What each layer sets, by key: text or native values, not validated yet. */
export type LayerValues = Readonly<Partial<Record<Exclude<Layer, 'default'>, ReadonlyMap<string, unknown>>>>;

/** What a setting is, the layer that decided it, and the lower layers that set it in vain, highest first. */
export interface ResolvedSetting {
  readonly value: unknown;
  readonly source: Layer;
  readonly hidden: readonly Layer[];
}

export interface Resolution<Key extends string> {
  readonly settings: Readonly<Record<Key, ResolvedSetting>>;
  /** Values that do not fit or may not come from their layer, hidden ones too. They decide nothing. */
  readonly problems: readonly ConfigurationProblem[];
}

/**
 * Decides every setting of a registry from what the layers set. Pure; keys outside the registry are not looked
 * at, they are the business of whoever read the layer.
 */
export function resolveSettings<Key extends string>(
  registry: Readonly<Record<Key, Setting>>,
  layers: LayerValues,
  { production }: { readonly production: boolean },
): Resolution<Key> {
  const problems: ConfigurationProblem[] = [];
  const settings: Partial<Record<Key, ResolvedSetting>> = {};
  for (const key in registry) {
    settings[key] = resolveSetting(key, registry[key], { layers, production, problems });
  }
  // The loop went over every key.
  return { settings: settings as Record<Key, ResolvedSetting>, problems };
}

interface Context {
  readonly layers: LayerValues;
  readonly production: boolean;
  readonly problems: ConfigurationProblem[];
}

function resolveSetting(
  key: string,
  setting: Setting,
  { layers, production, problems }: Context,
): ResolvedSetting {
  const found: { readonly value: unknown; readonly source: Layer }[] = [];
  for (const source of LAYERS) {
    if (source === 'default' || !layers[source]?.has(key)) continue;
    const allowed = source === 'embedded' || setting.layers.includes(source);
    const value = allowed ? setting.type.parse(layers[source].get(key)) : undefined;
    if (value !== undefined) found.push({ value, source });
    else problems.push({ key, layer: source, expected: expectation(key, setting, source) });
  }
  // Parsed like what is set, so that a map has no prototype here either.
  const value = setting.type.parse(production ? setting.productionDefault : setting.default);
  const [winner = { value, source: 'default' as const }, ...lower] = found;
  return { ...winner, hidden: lower.map(({ source }) => source) };
}

/** What the operator reads about a layer's value; for the environment, with the variables it may be in. */
function expectation(key: string, setting: Setting, source: Exclude<Layer, 'default'>): string {
  if (source !== 'embedded' && !setting.layers.includes(source)) {
    return `to be set by one of ${setting.layers.join(', ')}`;
  }
  const variables = source === 'environment' ? ` in ${environmentNames(key, setting).join(' or ')}` : '';
  return setting.type.expected + variables;
}
