import { LIVE, PLACEHOLDER, setting, type Setting } from '../setting.js';
import { boolean, duration, integer, oneOf, origins, text, url } from '../value-types.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const port = integer({ minimum: 0, maximum: 65_535 });

/** The process: where it listens, what it logs, where its data are. */
export const processSettings = {
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
  'server.trustedProxyHops': setting(integer({ minimum: 0, maximum: 20, unit: 'hops' }), {
    default: 0,
    description:
      'How many proxies in front of Parley are trusted to name the client in X-Forwarded-For; 0 for none.',
  }),
  'server.corsOrigins': setting(origins, {
    default: [],
    description:
      'Origins whose pages may call the API with a bearer credential, exactly as browsers send them; never with cookies.',
  }),
  'server.bodyLimitBytes': setting(integer({ minimum: 1024, maximum: 1024 ** 3, unit: 'bytes' }), {
    default: 1024 ** 2,
    description: 'Largest request body in bytes, where a route does not set its own limit.',
  }),
  'server.v1BodyLimitBytes': setting(integer({ minimum: 1024, maximum: 1024 ** 3, unit: 'bytes' }), {
    default: 32 * 1024 ** 2,
    description: 'Largest request body under /v1 in bytes: images come in it.',
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
  'import.maxFileBytes': setting(integer({ minimum: 1024, maximum: 1024 ** 4, unit: 'bytes' }), {
    default: 1024 ** 3,
    description: 'Largest file of threads that is imported, in bytes; of an archive also what it unpacks to.',
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
  'database.migrationUrl': setting(url({ schemes: ['postgres', 'postgresql'], credentials: true }), {
    secret: true,
    example: `postgres://parley_owner:${PLACEHOLDER}@localhost:5432/parley`,
    description:
      'The same database as the role that owns the schema, used for migrations only; then the role of database.url is granted what serving needs and cannot change the audit log.',
  }),
  'database.poolSize': setting(integer({ minimum: 1, maximum: 1000, unit: 'connections' }), {
    default: 10,
    description: 'Most connections that one replica holds to Postgres.',
  }),
  'database.statementTimeoutMs': setting(duration({ minimum: 100, maximum: DAY_MS, unit: 'ms' }), {
    default: 10_000,
    description: 'Time after which Postgres cancels a statement, in ms.',
  }),
  'search.configuration': setting(text, {
    default: 'simple',
    description:
      'Text search configuration of Postgres; simple finds words of any language as they are written, english or another also their other forms. What is stored is indexed anew after a change.',
  }),
  'redis.url': setting(url({ schemes: ['redis', 'rediss'], credentials: true }), {
    secret: true,
    aliases: ['REDIS_URL'],
    example: `redis://:${PLACEHOLDER}@localhost:6379`,
    description:
      'Redis, where rate limits are counted for all replicas together; each counts alone when unset.',
  }),
  'redis.keyPrefix': setting(text, {
    default: 'parley:',
    description: 'What every key in Redis begins with; one for each Parley that shares it.',
  }),

  'embedded.dataDirectory': setting(text, {
    default: '.parley',
    description: 'Directory of the embedded Postgres and generated keys, relative to the working directory.',
  }),
  'embedded.identityPort': setting(port, {
    default: 3001,
    description: 'TCP port of the development identity provider; 0 takes any free one.',
  }),
  'docs.public': setting(boolean, {
    default: true,
    productionDefault: false,
    description: 'Whether /openapi.json and /docs are open to everybody.',
  }),
} satisfies Readonly<Record<string, Setting>>;
