import type { Setting } from './setting.js';
import { encryptionSettings } from './settings/encryption-settings.js';
import { identitySettings } from './settings/identity-settings.js';
import { jobSettings } from './settings/job-settings.js';
import { modelSettings } from './settings/model-settings.js';
import { processSettings } from './settings/process-settings.js';
import { rateLimitSettings } from './settings/rate-limit-settings.js';

/** Every setting, once. The boot configuration, the settings API and the reference are made from it. */
export const SETTINGS = {
  ...processSettings,
  ...identitySettings,
  ...rateLimitSettings,
  ...encryptionSettings,
  ...modelSettings,
  ...jobSettings,
} satisfies Readonly<Record<string, Setting>>;

export type SettingKey = keyof typeof SETTINGS;

export const SETTING_KEYS = Object.keys(SETTINGS).filter(isSettingKey);

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key);
}

/** The declaration behind a key, whatever the type of its value. */
export function declarationOf(key: SettingKey): Setting {
  return SETTINGS[key];
}

/** Every setting by its key, validated and frozen: `configuration['server.port']`. */
export type Configuration = Readonly<{
  [Key in SettingKey]: (typeof SETTINGS)[Key]['default'];
}>;

/** Values that the embedded Postgres and identity provider supply outside production. */
export type EmbeddedValues = Partial<Configuration>;

/** Set by the operator in production and by the embedded defaults elsewhere. */
export const CERTAIN_AT_BOOT = ['database.url', 'session.secrets'] as const;

/** The configuration that the application runs on: what it cannot do without is there. */
export type BootConfiguration = Configuration & {
  readonly [Key in (typeof CERTAIN_AT_BOOT)[number]]: NonNullable<Configuration[Key]>;
};

/** Injects the configuration: `@Inject(CONFIGURATION) private readonly configuration: BootConfiguration`. */
export const CONFIGURATION = Symbol('CONFIGURATION');
