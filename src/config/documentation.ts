import { environmentNames } from './environment-names.js';
import { declarationOf, SETTING_KEYS, type SettingKey } from './registry.js';
import type { Setting } from './setting.js';

const GENERATED = 'Made by src/config/write-documentation.ts from src/config/registry.ts; do not edit.';

const EXAMPLE_HEADER = `# ${GENERATED}
# Copy it to .env and uncomment what should differ. Parley reads it from its working directory; the environment itself wins.
# A secret may stand in a file instead, whose path is in the variable with _FILE at the end of its name.`;

const REFERENCE_HEADER = `# Settings

<!-- ${GENERATED} -->

Highest precedence first, a value comes from

1. \`command_line\`: \`--server.port 4000\` or \`--server.port=4000\`, never a secret, because \`ps\` shows it;
2. \`environment\`: the prefixed variable before its alias; an empty variable counts as unset. A secret may stand in
   a file instead, whose path is in the variable with \`_FILE\` at the end of its name;
3. \`file\`: YAML with nested or dotted keys, \`parley.config.yaml\` in the working directory or the path in
   \`--config\` or \`PARLEY_CONFIG\`;
4. \`database:system\`, \`database:tenant\`, \`database:user\`: declared here, and read by no code yet;
5. \`embedded\`: what \`npm start\` brings along outside production;
6. \`default\`.

Restart says whether a change in the database waits for one; all other layers are read at boot only.
As text, a list is separated by commas or white space and a map is a JSON object.`;

const COLUMNS = ['Setting', 'Environment', 'Value', 'Default', 'Set by', 'Restart', 'Meaning'];

/** The generated files, by their path in the repository. */
export function renderDocumentation(): Readonly<Record<string, string>> {
  return {
    '.env.example': render(EXAMPLE_HEADER, (area, keys) => [`# ---- ${area} ----`, ...keys.map(example)]),
    'docs/settings.md': render(REFERENCE_HEADER, (area, keys) => [`## ${area}`, table(keys)]),
  };
}

/** One part for each area, which is the first name of its keys, in the order of the registry. */
function render(header: string, part: (area: string, keys: readonly SettingKey[]) => string[]): string {
  const areas = Map.groupBy(SETTING_KEYS, (key) => key.replace(/\..*/, ''));
  return `${[header, ...[...areas].flatMap(([area, keys]) => part(area, keys))].join('\n\n')}\n`;
}

function example(key: SettingKey): string {
  const setting = declarationOf(key);
  const [name, ...aliases] = environmentNames(key, setting);
  const production = inProduction(setting);
  const remarks = [
    setting.description,
    ...(production === undefined ? [] : [`In production: ${production}.`]),
    ...aliases.map((alias) => `Also: ${alias}.`),
  ];
  const value = setting.example === '' ? (written(setting.default) ?? '') : setting.example;
  return `# ${remarks.join(' ')}\n# ${name}=${value}`;
}

function table(keys: readonly SettingKey[]): string {
  const lines = [COLUMNS, COLUMNS.map(() => '---'), ...keys.map(row)];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function row(key: SettingKey): string[] {
  const setting = declarationOf(key);
  const fallback = written(setting.default);
  const production = inProduction(setting);
  return [
    code(key),
    environmentNames(key, setting).map(code).join(', '),
    setting.type.expected + (setting.secret ? '; secret' : ''),
    (fallback === undefined ? 'none' : code(fallback)) +
      (production === undefined ? '' : `; in production ${production}`),
    setting.layers.map(code).join(', '),
    setting.restart ? 'yes' : 'no',
    setting.description,
  ];
}

function inProduction(setting: Setting): string | undefined {
  if (setting.requiredInProduction) return 'required';
  return setting.productionDefault === setting.default ? undefined : written(setting.productionDefault);
}

/** A value as a variable holds it; undefined when there is none. */
function written(value: unknown): string | undefined {
  if (typeof value === 'string' || value === undefined) return value;
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value);
}

function code(text: string): string {
  return text === '' ? 'empty' : `\`${text}\``;
}
