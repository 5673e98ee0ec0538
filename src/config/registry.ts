import { LIVE, PLACEHOLDER, type Setting, setting } from './setting.js';
import { boolean, duration, integer, list, mapOf, oneOf, text, url } from './value-types.js';

const DAY_S = 24 * 60 * 60;
const YEAR_S = 365 * DAY_S;
const DAY_MS = 1000 * DAY_S;

const role = oneOf('admin', 'power_user', 'user', 'guest');
const port = integer({ minimum: 0, maximum: 65_535 });

/** Every setting, once. The boot configuration, the settings API and the reference are made from it. */
export const SETTINGS = {
  environment: setting(oneOf('development', 'test', 'production'), {
    default: 'development',
    aliases: ['NODE_ENV'],
    description: 'What this process is for; production refuses placeholders and everything embedded.',
  }),

  'server.host': setting(text, {
    default: '127.0.0.1',
    description: 'Address to listen on; 0.0.0.0 or :: for every interface.',
  }),
  'server.port': setting(port, {
    default: 3000,
    description: 'TCP port to listen on; 0 takes any free one.',
  }),
  'server.publicUrl': setting(url(), {
    requiredInProduction: true,
    description: 'Where browsers reach Parley; outside production localhost at server.port when unset.',
  }),
  'server.bodyLimitBytes': setting(integer({ minimum: 1024, maximum: 1024 ** 3, unit: 'bytes' }), {
    default: 1024 ** 2,
    description: 'Largest request body in bytes, where a route does not set its own limit.',
  }),
  'server.drainGraceMs': setting(duration({ minimum: 0, maximum: DAY_MS, unit: 'ms' }), {
    default: 0,
    productionDefault: 5000,
    description: 'Time between turning unready on SIGTERM and refusing new connections, in ms.',
  }),
  'server.drainLimitMs': setting(duration({ minimum: 0, maximum: DAY_MS, unit: 'ms' }), {
    default: 25_000,
    description: 'Time from SIGTERM that open requests and streams have to finish, in ms.',
  }),
  'server.slowReaderTimeoutMs': setting(duration({ minimum: 1000, maximum: DAY_MS, unit: 'ms' }), {
    default: 30_000,
    description: 'Time a client may leave a full stream unread before it is disconnected, in ms.',
  }),

  'log.level': setting(oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'), {
    ...LIVE,
    default: 'info',
    description: 'Least severe level that is logged.',
  }),
  'log.format': setting(oneOf('auto', 'json', 'pretty'), {
    default: 'auto',
    description: 'Shape of log lines; auto is pretty on a terminal and JSON elsewhere.',
  }),

  'database.url': setting(url({ schemes: ['postgres', 'postgresql'], credentials: true }), {
    secret: true,
    requiredInProduction: true,
    aliases: ['DATABASE_URL'],
    example: `postgres://parley:${PLACEHOLDER}@localhost:5432/parley`,
    description: 'The Postgres database; outside production an embedded one when unset.',
  }),
  'database.poolSize': setting(integer({ minimum: 1, maximum: 1000, unit: 'connections' }), {
    default: 10,
    description: 'Most connections that one replica holds to Postgres.',
  }),
  'database.statementTimeoutMs': setting(duration({ minimum: 100, maximum: DAY_MS, unit: 'ms' }), {
    default: 10_000,
    description: 'Time after which Postgres cancels a statement, in ms.',
  }),

  'embedded.dataDirectory': setting(text, {
    default: '.parley',
    description: 'Directory of the embedded Postgres and generated keys, relative to the working directory.',
  }),
  'embedded.identityPort': setting(port, {
    default: 3001,
    description: 'TCP port of the development identity provider; 0 takes any free one.',
  }),

  'oidc.issuer': setting(url(), {
    requiredInProduction: true,
    aliases: ['OIDC_ISSUER'],
    description: 'Issuer of the OpenID provider; outside production the development one when unset.',
  }),
  'oidc.clientId': setting(text, {
    requiredInProduction: true,
    aliases: ['OIDC_CLIENT_ID'],
    description: 'Client id that the OpenID provider knows Parley by.',
  }),
  'oidc.clientSecret': setting(text, {
    secret: true,
    aliases: ['OIDC_CLIENT_SECRET'],
    description: 'Client secret at the OpenID provider; leave unset for a public client.',
  }),
  'oidc.scopes': setting(list({ minimumItems: 1 }), {
    default: ['openid', 'profile', 'email'],
    description: 'Scopes to ask the OpenID provider for.',
  }),
  'oidc.label': setting(text, {
    default: 'Single sign-on',
    description: 'What the log-in button says.',
  }),

  'identity.groupsClaim': setting(text, {
    default: 'groups',
    description: 'Claim with the groups of a user; a dotted path, such as realm_access.roles.',
  }),
  'identity.groupRoles': setting(mapOf(role), {
    default: {},
    description: 'Role that each group of the OpenID provider gives, such as {"staff": "power_user"}.',
  }),
  'identity.defaultRole': setting(role, {
    default: 'user',
    description: 'Role of a user whose groups give none.',
  }),

  'session.secrets': setting(list({ minimumItems: 1, minimumLength: 32 }), {
    secret: true,
    requiredInProduction: true,
    description: 'Keys of sessions: the first signs, all verify. Make one with: openssl rand -base64 48.',
  }),
  'session.accessLifetimeSeconds': setting(duration({ minimum: 10, maximum: DAY_S, unit: 's' }), {
    default: 900,
    description: 'Life of an access token, in s.',
  }),
  'session.refreshGraceSeconds': setting(duration({ minimum: 0, maximum: 300, unit: 's' }), {
    default: 10,
    description: 'Time a used refresh token is still answered, for two tabs at once, in s.',
  }),
  'session.idleLifetimeSeconds': setting(duration({ minimum: 60, maximum: YEAR_S, unit: 's' }), {
    default: 7 * DAY_S,
    description: 'Time after which an unused session ends, in s.',
  }),
  'session.absoluteLifetimeSeconds': setting(duration({ minimum: 60, maximum: YEAR_S, unit: 's' }), {
    default: 30 * DAY_S,
    description: 'Time after which every session ends, in s.',
  }),

  'generation.firstTokenTimeoutMs': setting(duration({ minimum: 100, maximum: DAY_MS, unit: 'ms' }), {
    ...LIVE,
    default: 60_000,
    description: 'Time a model has until its first token, in ms.',
  }),
  'generation.idleTimeoutMs': setting(duration({ minimum: 100, maximum: DAY_MS, unit: 'ms' }), {
    ...LIVE,
    default: 60_000,
    description: 'Time a model may be silent between two tokens, in ms.',
  }),
  'generation.maxDurationMs': setting(duration({ minimum: 100, maximum: DAY_MS, unit: 'ms' }), {
    ...LIVE,
    default: 600_000,
    description: 'Time after which a generation is stopped, in ms.',
  }),
  'generation.maxAnswerCharacters': setting(
    integer({ minimum: 1, maximum: 100_000_000, unit: 'characters' }),
    {
      ...LIVE,
      default: 1_000_000,
      description: 'Length at which an answer is stopped, in characters.',
    },
  ),
  'generation.maxAttempts': setting(integer({ minimum: 1, maximum: 3, unit: 'attempts' }), {
    ...LIVE,
    default: 3,
    description: 'Calls of a model for one answer, the first included; none after the first token.',
  }),
  'generation.retryBaseDelayMs': setting(duration({ minimum: 0, maximum: 60_000, unit: 'ms' }), {
    ...LIVE,
    default: 250,
    description: 'Wait before the first retry of a model, in ms; it doubles for each further one.',
  }),

  'providers.demo.enabled': setting(boolean, {
    default: true,
    productionDefault: false,
    description: 'Whether the demo models answer.',
  }),
  'providers.demo.tokenDelayMs': setting(duration({ minimum: 0, maximum: 60_000, unit: 'ms' }), {
    default: 20,
    description: 'Time between two tokens of a demo model, in ms.',
  }),
  'providers.openai.apiKey': setting(text, {
    secret: true,
    aliases: ['OPENAI_API_KEY'],
    description: 'Key of the OpenAI connection; without it there is none.',
  }),
  'providers.openai.baseUrl': setting(url(), {
    default: 'https://api.openai.com/v1',
    aliases: ['OPENAI_BASE_URL'],
    description: 'Base URL of the OpenAI API.',
  }),
  'providers.openai.models': setting(list(), {
    default: [],
    description: 'Models offered from OpenAI; empty for all that the vendor lists.',
  }),
  'providers.compatible.baseUrl': setting(url(), {
    description: 'Base URL of a server that speaks the OpenAI API; without it there is no such connection.',
  }),
  'providers.compatible.apiKey': setting(text, {
    secret: true,
    description: 'Key of the compatible server, if it asks for one.',
  }),
  'providers.compatible.models': setting(list(), {
    default: [],
    description: 'Models offered from the compatible server; empty for all that it lists.',
  }),
  'providers.compatible.name': setting(text, {
    default: 'compatible',
    description: 'Name that the compatible server is shown by.',
  }),

  'docs.public': setting(boolean, {
    default: true,
    productionDefault: false,
    description: 'Whether /openapi.json and /docs are open to everybody.',
  }),
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
export const CERTAIN_AT_BOOT = ['database.url', 'session.secrets', 'oidc.issuer', 'oidc.clientId'] as const;

/** The configuration that the application runs on: what it cannot do without is there. */
export type BootConfiguration = Configuration & {
  readonly [Key in (typeof CERTAIN_AT_BOOT)[number]]: NonNullable<Configuration[Key]>;
};

/** Injects the configuration: `@Inject(CONFIGURATION) private readonly configuration: BootConfiguration`. */
export const CONFIGURATION = Symbol('CONFIGURATION');
