import { type ConfigurationProblem, missing } from './configuration-error.js';
import { declarationOf, type SettingKey } from './registry.js';
import type { ResolvedSetting } from './resolve-settings.js';
import { isListOfText, isPlainObject } from './value-types.js';

/** What a key wrapper cannot do without. The key file is needed in production only, and made elsewhere. */
const neededBy: Readonly<Record<string, readonly SettingKey[]>> = {
  'aws-kms': ['encryption.awsKmsKeyId', 'encryption.awsRegion'],
  vault: ['encryption.vaultAddress', 'encryption.vaultToken', 'encryption.vaultKey'],
};

/** What does not fit together although each value fits its type. */
export function inconsistencies(
  settings: Readonly<Record<SettingKey, ResolvedSetting>>,
): readonly ConfigurationProblem[] {
  const admins = settings['identity.admins'];
  const further = settings['oidc.providers'];
  return [
    ...(isListOfText(admins.value) && !admins.value.every(isIdentity)
      ? [{ key: 'identity.admins', layer: admins.source, expected: 'a list of issuer#subject' }]
      : []),
    // Two clients of one issuer would share its people, and nobody could tell whose answer it is.
    ...(issuersOf(further.value).includes(hrefOf(settings['oidc.issuer'].value))
      ? [
          {
            key: 'oidc.providers',
            layer: further.source,
            expected: 'providers other than that of oidc.issuer',
          },
        ]
      : []),
    ...(neededBy[String(settings['encryption.wrapper'].value)] ?? [])
      .filter((key) => settings[key].value === undefined)
      .map((key) => missing(key, declarationOf(key))),
  ];
}

/** The issuers of `oidc.providers`, as URLs are compared. */
export function issuersOf(providers: unknown): readonly (string | undefined)[] {
  return Array.isArray(providers) ? providers.filter(isPlainObject).map(({ issuer }) => hrefOf(issuer)) : [];
}

function hrefOf(issuer: unknown): string | undefined {
  return typeof issuer === 'string' ? URL.parse(issuer)?.href : undefined;
}

/** An issuer is a URL without a fragment (OpenID Connect Core, 1.2), so that the first `#` ends it. */
function isIdentity(entry: string): boolean {
  return /^https?:\/\/[^#\s]+#./.test(entry);
}
