import { ConfigurationError, missing } from './configuration-error.js';
import { inconsistencies } from './consistency-rules.js';
import { readLayers } from './layers/read-layers.js';
import type { ProcessInput } from './process-input.js';
import { productionProblems } from './production-rules.js';
import {
  type BootConfiguration,
  CERTAIN_AT_BOOT,
  type Configuration,
  declarationOf,
  type EmbeddedValues,
  type SettingKey,
  SETTINGS,
} from './registry.js';
import { resolveSettings } from './resolve-settings.js';

/**
 * The configuration of a process. Outside production, what is neither set nor embedded stays undefined;
 * in production `embedded` is ignored.
 * @throws ConfigurationError naming every offending key at once, never a value.
 */
export function loadConfiguration(input: ProcessInput, embedded: EmbeddedValues = {}): Configuration {
  const { layers, problems } = readLayers(input);
  const { environment } = SETTINGS;
  const first = resolveSettings({ environment }, layers, { production: false });
  const production = first.settings.environment.value === 'production';

  const supplied = Object.entries(embedded).filter(([, value]) => value !== undefined && !production);
  const resolved = resolveSettings(SETTINGS, { ...layers, embedded: new Map(supplied) }, { production });
  const invalid = [...problems, ...resolved.problems];
  const named = new Set(invalid.map(({ key }) => key));
  const refused = [
    ...inconsistencies(resolved.settings),
    ...(production ? productionProblems(resolved.settings) : []),
  ].filter(({ key }) => !named.has(key));
  if (invalid.length + refused.length > 0) throw new ConfigurationError([...invalid, ...refused]);

  const entries = Object.entries(resolved.settings).map(([key, { value }]) => [key, Object.freeze(value)]);
  // Each value was made by the parser of its setting, so it has the type that the registry infers.
  return Object.freeze(Object.fromEntries(entries) as Configuration);
}

/**
 * Narrows to what the application runs on.
 * @throws ConfigurationError naming every setting that is still missing.
 */
export function requireBootConfiguration(configuration: Configuration): BootConfiguration {
  const half = missingHalfOfProvider(configuration);
  if (half.length === 0 && isComplete(configuration)) return configuration;
  const absent = CERTAIN_AT_BOOT.filter((key) => configuration[key] === undefined);
  throw new ConfigurationError([...absent, ...half].map((key) => missing(key, declarationOf(key))));
}

/** An OpenID provider that is half configured would count as none, and let people log in with passwords instead. */
function missingHalfOfProvider(configuration: Configuration): readonly SettingKey[] {
  const halves = ['oidc.issuer', 'oidc.clientId'] as const;
  const absent = halves.filter((key) => configuration[key] === undefined);
  return absent.length === 1 ? absent : [];
}

function isComplete(configuration: Configuration): configuration is BootConfiguration {
  return CERTAIN_AT_BOOT.every((key) => configuration[key] !== undefined);
}
