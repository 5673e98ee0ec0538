import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { parse, YAMLParseError } from 'yaml';

import type { ConfigurationProblem } from '../configuration-error.js';
import { isSettingKey, SETTING_KEYS } from '../registry.js';
import { isPlainObject } from '../value-types.js';
import { EXPECTED_NAME, type LayerReading, safeName } from './layer-reading.js';

const layer = 'file';
const DEFAULT_NAME = 'parley.config.yaml';

/** `server` and `providers.openai`, but no key of a setting. */
const SECTIONS = new Set(SETTING_KEYS.flatMap(sectionsAbove));

/** The path that the operator gave, and the option or variable that gave it. */
export interface GivenFile {
  readonly path: string;
  readonly givenBy: string;
}

/** Reads YAML whose keys are nested, dotted or both. Without a given file: the default one, if it is there. */
export function readConfigurationFile(workingDirectory: string, given?: GivenFile): LayerReading {
  const path = resolve(workingDirectory, given?.path ?? DEFAULT_NAME);
  const name = given?.givenBy ?? DEFAULT_NAME;
  if (!given && !existsSync(path)) return { values: new Map(), problems: [] };
  try {
    // The default log level prints warnings, and they quote the file.
    const options = { logLevel: 'error', stringKeys: true } as const;
    const content: unknown = parse(readFileSync(path, 'utf8'), options) ?? {};
    return isPlainObject(content) ? readSections(content) : refusal(name, 'a map of settings');
  } catch (error) {
    // The message of the error quotes the file; the line does not.
    const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    return refusal(name, line === undefined ? 'a readable YAML file' : `valid YAML at line ${line}`);
  }
}

function readSections(content: Readonly<Record<string, unknown>>): LayerReading {
  const values = new Map<string, unknown>();
  const problems: ConfigurationProblem[] = [];
  for (const [key, value] of leavesOf(content)) {
    if (!isSettingKey(key)) problems.push({ key: safeName(key), layer, expected: EXPECTED_NAME });
    else if (values.has(key)) problems.push({ key, layer, expected: 'to be given once' });
    else if (value !== null) values.set(key, value);
  }
  return { values, problems };
}

/** Every entry that is not a section, by its dotted key. */
function* leavesOf(section: Readonly<Record<string, unknown>>, prefix = ''): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(section)) {
    const key = prefix + name;
    if (SECTIONS.has(key) && (isPlainObject(value) || value === null))
      yield* leavesOf(value ?? {}, `${key}.`);
    else yield [key, value];
  }
}

function sectionsAbove(key: string): string[] {
  const names = key.split('.');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('.'));
}

function refusal(key: string, expected: string): LayerReading {
  return { values: new Map(), problems: [{ key, layer, expected }] };
}
