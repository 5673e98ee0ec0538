import type { ConfigurationProblem } from '../configuration-error.js';

/** What one layer sets, by known key, and what in it nobody can make sense of. */
export interface LayerReading {
  readonly values: ReadonlyMap<string, unknown>;
  readonly problems: readonly ConfigurationProblem[];
}

export const EXPECTED_NAME = 'the name of a setting, as docs/settings.md lists them';

/** The start of an unknown name that cannot be part of a value, as in `apiKey:sk-…` written without its space. */
export function safeName(name: string): string {
  return /^[\w.-]{0,80}/.exec(name)?.[0] ?? '';
}
