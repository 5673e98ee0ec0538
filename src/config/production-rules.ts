import { type ConfigurationProblem, missing } from './configuration-error.js';
import { issuersOf } from './consistency-rules.js';
import { declarationOf, SETTING_KEYS, type SettingKey } from './registry.js';
import type { ResolvedSetting } from './resolve-settings.js';
import { PLACEHOLDER, type Setting } from './setting.js';
import { isListOfText, isPlainObject } from './value-types.js';

const SHORTEST_SECRET = 8;
const FEWEST_DISTINCT_CHARACTERS = 6;

/** Nothing but sample words, digits and punctuation, such as `my-secret-123`. No word begins another: linear. */
const SAMPLE =
  /^(?:change|please|replace|this|value|with|your|my|me|super|secret|password|example|default|sample|placeholder|insert|here|token|key|admin|parley|postgres|test|[\d\W_])*$/i;

const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Where people and their credentials go. */
const addressKeys: readonly SettingKey[] = ['server.publicUrl', 'oidc.issuer', 'encryption.vaultAddress'];

/** What production refuses although it fits its type (security.md, defaults). */
export function productionProblems(
  settings: Readonly<Record<SettingKey, ResolvedSetting>>,
): readonly ConfigurationProblem[] {
  const dispensable = [
    ...(hasOtherLogin(settings) ? ['oidc.issuer', 'oidc.clientId'] : []),
    ...(settings['encryption.wrapper'].value === 'file' ? [] : ['encryption.keyFile']),
  ];
  return SETTING_KEYS.flatMap((key) => {
    const setting = declarationOf(key);
    const { value, source: layer } = settings[key];
    if (value === undefined) {
      return setting.requiredInProduction && !dispensable.includes(key) ? [missing(key, setting)] : [];
    }
    if (setting.secret && secretsIn(value, setting).some(isPlaceholder)) {
      return [
        { key, layer, expected: 'a secret of its own, neither short nor a placeholder, in production' },
      ];
    }
    const urls = addressKeys.includes(key) ? [value] : key === 'oidc.providers' ? issuersOf(value) : [];
    if (urls.some((url) => typeof url === 'string' && !isSecure(url))) {
      return [{ key, layer, expected: 'an https URL in production, unless its host is loopback' }];
    }
    return [];
  });
}

/** Whether people can log in without the provider of `oidc.*`. Passwords must be asked for: a variable is easily forgotten. */
function hasOtherLogin(settings: Readonly<Record<SettingKey, ResolvedSetting>>): boolean {
  const further = settings['oidc.providers'].value;
  return settings['login.local'].value === 'on' || (Array.isArray(further) && further.length > 0);
}

/** The items of a list, the client secrets of identity providers, the password of a URL, or the text itself. */
function secretsIn(value: unknown, { type }: Setting): readonly string[] {
  if (isListOfText(value)) return value;
  if (Array.isArray(value)) {
    const given = value.filter(isPlainObject).map(({ clientSecret }) => clientSecret);
    return given.filter((secret) => typeof secret === 'string');
  }
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
