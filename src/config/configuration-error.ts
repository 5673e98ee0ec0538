import { environmentNames } from './environment-names.js';
import type { Layer, Setting } from './setting.js';

/** One reason not to boot. It names where to look and what is expected, and never holds a value. */
export interface ConfigurationProblem {
  /** A setting, or the name that no setting has. */
  readonly key: string;
  /** Where the offending value came from; absent when the value is missing. */
  readonly layer?: Layer;
  /** Completes the sentence "expected …". */
  readonly expected: string;
}

/** Refuses to boot: every offending key at once, one line each, never a value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(['The configuration is not valid:', ...problems.map(describe)].join('\n  '));
  }
}

function describe({ key, layer, expected }: ConfigurationProblem): string {
  return `${key} (${layer ?? 'missing'}): expected ${expected}`;
}

/** The problem of a setting that nothing sets although Parley cannot do without it. */
export function missing(key: string, setting: Setting): ConfigurationProblem {
  return { key, expected: `${setting.type.expected} in ${environmentNames(key, setting).join(' or ')}` };
}
