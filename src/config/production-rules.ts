import { type ConfigurationProblem, missing } from './configuration-error.js';
import { declarationOf, SETTING_KEYS, type SettingKey } from './registry.js';
import type { ResolvedSetting } from './resolve-settings.js';
import { PLACEHOLDER, type Setting } from './setting.js';
import { isListOfText } from './value-types.js';

const SHORTEST_SECRET = 8;
const FEWEST_DISTINCT_CHARACTERS = 6;

/** Nothing but sample words, digits and punctuation, such as `my-secret-123`. No word begins another: linear. */
const SAMPLE =
  /^(?:change|please|replace|this|value|with|your|my|me|super|secret|password|example|default|sample|placeholder|insert|here|token|key|admin|parley|postgres|test|[\d\W_])*$/i;

const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/;

/** What production refuses although it fits its type (security.md, defaults). */
export function productionProblems(
  settings: Readonly<Record<SettingKey, ResolvedSetting>>,
): readonly ConfigurationProblem[] {
  return SETTING_KEYS.flatMap((key) => {
    const setting = declarationOf(key);
    const { value, source: layer } = settings[key];
    if (value === undefined) return setting.requiredInProduction ? [missing(key, setting)] : [];
    if (setting.secret && secretsIn(value, setting).some(isPlaceholder)) {
      return [
        { key, layer, expected: 'a secret of its own, neither short nor a placeholder, in production' },
      ];
    }
    if (
      (key === 'server.publicUrl' || key === 'oidc.issuer') &&
      typeof value === 'string' &&
      !isSecure(value)
    ) {
      return [{ key, layer, expected: 'an https URL in production, unless its host is loopback' }];
    }
    return [];
  });
}

/** The items of a list, the password of a URL, or the text itself. */
function secretsIn(value: unknown, { type }: Setting): readonly string[] {
  if (isListOfText(value)) return value;
  if (typeof value !== 'string') return [];
  if (type.name !== 'url') return [value];
  const { password } = new URL(value);
  // A database may ask for none, as on a Unix socket.
  return password === '' ? [] : [password];
}

function isPlaceholder(secret: string): boolean {
  return (
    secret.length < SHORTEST_SECRET ||
    new Set(secret).size < FEWEST_DISTINCT_CHARACTERS ||
    secret.includes(PLACEHOLDER) ||
    SAMPLE.test(secret)
  );
}

function isSecure(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || LOOPBACK.test(hostname);
}
