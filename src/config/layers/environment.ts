import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { ConfigurationProblem } from '../configuration-error.js';
import { environmentNames, PREFIX } from '../environment-names.js';
import type { ProcessInput } from '../process-input.js';
import { declarationOf, SETTING_KEYS } from '../registry.js';
import { EXPECTED_NAME, type LayerReading } from './layer-reading.js';

const layer = 'environment';

/** Stands apart from the settings, like `--config`: it says where the file layer is. */
export const CONFIG_VARIABLE = `${PREFIX}CONFIG`;

/**
 * What Kubernetes puts into the pods of a namespace for a Service named `parley` or `parley-…`
 * (kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
 */
const SERVICE_LINK =
  /^PARLEY_(?:[A-Z0-9]+_)*?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)$/;
/** Told from a misspelt setting by its value, such as `tcp://10.0.0.11:80`. */
const SERVICE_LINK_PORT = /^PARLEY_(?:[A-Z0-9]+_)*?PORT$/;
const SERVICE_LINK_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

/** Reads `PARLEY_…`, the aliases, and `<NAME>_FILE` of secrets. An empty variable counts as unset. */
export function readEnvironment({ environment, workingDirectory }: ProcessInput): LayerReading {
  const values = new Map<string, unknown>();
  const problems: ConfigurationProblem[] = [];
  const known = new Set([CONFIG_VARIABLE]);
  for (const key of SETTING_KEYS) {
    const setting = declarationOf(key);
    for (const name of environmentNames(key, setting)) {
      const file = `${name}_FILE`;
      const direct = environment[name];
      const path = setting.secret ? environment[file] : undefined;
      known.add(name);
      if (setting.secret) known.add(file);
      if (direct && path) {
        problems.push({ key, layer, expected: `either ${name} or ${file}, not both` });
      } else if (!values.has(key) && (direct ?? path)) {
        const value = path ? readSecret(resolve(workingDirectory, path)) : direct;
        if (value) values.set(key, value);
        else problems.push({ key, layer, expected: `${file} to name a readable file that is not empty` });
      }
    }
  }
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith(PREFIX) && value && !known.has(name) && !isServiceLink(name, value)) {
      problems.push({ key: name, layer, expected: EXPECTED_NAME });
    }
  }
  return { values, problems };
}

function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (SERVICE_LINK_PORT.test(name) && SERVICE_LINK_ADDRESS.test(value));
}
