import type { ConfigurationProblem } from '../configuration-error.js';
import { isSettingKey } from '../registry.js';
import { EXPECTED_NAME, type LayerReading, safeName } from './layer-reading.js';

const layer = 'command_line';
const CONFIG = 'config';

/** `--config path` stands apart from the settings: it says where the file layer is. */
export interface CommandLine extends LayerReading {
  readonly configPath: string | undefined;
}

/** Reads `--key value` and `--key=value`, each key once. A value after a space does not begin with `--`. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const given = new Map<string, string | undefined>();
  const problems: ConfigurationProblem[] = [];
  for (const { name, value, position } of optionsIn(args)) {
    if (name === undefined) {
      problems.push({ key: `argument ${position}`, layer, expected: 'the --name of a setting before it' });
    } else if (!isSettingKey(name) && name !== CONFIG) {
      problems.push({ key: `--${safeName(name)}`, layer, expected: EXPECTED_NAME });
    } else if (given.has(name)) {
      problems.push({ key: name, layer, expected: 'to be given once' });
    } else {
      given.set(name, value);
    }
  }
  const configPath = given.get(CONFIG);
  if (given.delete(CONFIG) && !configPath) problems.push({ key: '--config', layer, expected: 'a path' });
  return { values: given, problems, configPath };
}

interface Option {
  readonly name: string | undefined;
  value: string | undefined;
  /** From 1, as people count. */
  readonly position: number;
}

function optionsIn(args: readonly string[]): readonly Option[] {
  const options: Option[] = [];
  for (const [index, argument] of args.entries()) {
    const last = options.at(-1);
    const [, name, value] = /^--([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name !== undefined) options.push({ name, value, position: index + 1 });
    else if (last && last.value === undefined) last.value = argument;
    else options.push({ name, value: argument, position: index + 1 });
  }
  return options;
}
