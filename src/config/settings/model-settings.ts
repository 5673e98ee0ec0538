import { LIVE, setting, type Setting } from '../setting.js';
import { boolean, currency, duration, integer, list, oneOf, text, url } from '../value-types.js';

const DAY_MS = 24 * 60 * 60 * 1000;

const personalKeys = oneOf('none', 'allowed', 'required');

/** What answers: generation and providers of models. */
export const modelSettings = {
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
  'generation.maxConcurrentPerUser': setting(integer({ minimum: 0, maximum: 10_000 }), {
    ...LIVE,
    default: 10,
    description:
      'Answers that somebody may have under way at the same time, on all replicas; 0 for any number.',
  }),
  'generation.maxAttempts': setting(integer({ minimum: 1, maximum: 3, unit: 'attempts' }), {
    ...LIVE,
    default: 3,
    description:
      'Calls of a model for one answer, the first included; none after the first token. Of a router: calls of each of its models.',
  }),
  'generation.retryBaseDelayMs': setting(duration({ minimum: 0, maximum: 60_000, unit: 'ms' }), {
    ...LIVE,
    default: 250,
    description: 'Wait before the first retry of a model, in ms; it doubles for each further one.',
  }),
  'usage.currency': setting(currency, {
    default: 'USD',
    description: 'Currency that budgets are in: prices in another one count against none.',
  }),
  'responses.keptDays': setting(integer({ minimum: 1, maximum: 3650, unit: 'days' }), {
    default: 30,
    description:
      'Time for which responses of /v1/responses are kept that a program did not ask not to store, in days.',
  }),
  'breaker.failures': setting(integer({ minimum: 1, maximum: 1000 }), {
    default: 5,
    description: 'Failures of a model in a row after which it is not called for a while.',
  }),
  'breaker.openMs': setting(duration({ minimum: 100, maximum: DAY_MS, unit: 'ms' }), {
    default: 30_000,
    description: 'Time for which a model that keeps failing is not called, in ms.',
  }),
  'outbound.allowedHosts': setting(list(), {
    default: ['localhost', '127.0.0.0/8', '::1'],
    productionDefault: [],
    description:
      'Hosts that are trusted although they are not public, and by plain http: names, addresses or networks (CIDR).',
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
  'providers.openai.personalKeys': setting(personalKeys, {
    default: 'none',
    description:
      'Whether people may or must call OpenAI with a key of their own; where they must, the key of these settings is not used.',
  }),
  'providers.openai.models': setting(list(), {
    default: [],
    description: 'Models offered from OpenAI; empty for all that the vendor lists.',
  }),
  'providers.anthropic.apiKey': setting(text, {
    secret: true,
    aliases: ['ANTHROPIC_API_KEY'],
    description: 'Key of the Anthropic connection; without it there is none.',
  }),
  'providers.anthropic.baseUrl': setting(url(), {
    default: 'https://api.anthropic.com',
    aliases: ['ANTHROPIC_BASE_URL'],
    description: 'Base URL of the Anthropic API.',
  }),
  'providers.anthropic.personalKeys': setting(personalKeys, {
    default: 'none',
    description:
      'Whether people may or must call Anthropic with a key of their own; where they must, the key of these settings is not used.',
  }),
  'providers.anthropic.models': setting(list(), {
    default: [],
    description: 'Models offered from Anthropic; empty for all that the vendor lists.',
  }),
  'providers.google.apiKey': setting(text, {
    secret: true,
    aliases: ['GEMINI_API_KEY'],
    description: 'Key of the Google connection (Gemini API); without it there is none.',
  }),
  'providers.google.baseUrl': setting(url(), {
    default: 'https://generativelanguage.googleapis.com',
    description: 'Base URL of the Gemini API.',
  }),
  'providers.google.personalKeys': setting(personalKeys, {
    default: 'none',
    description:
      'Whether people may or must call Google with a key of their own; where they must, the key of these settings is not used.',
  }),
  'providers.google.models': setting(list(), {
    default: [],
    description: 'Models offered from Google; empty for all that the vendor lists.',
  }),
  'providers.ollama.baseUrl': setting(url(), {
    description:
      'Base URL of an Ollama server, such as http://localhost:11434; without it there is no such connection. Its host must be in outbound.allowedHosts.',
  }),
  'providers.ollama.models': setting(list(), {
    default: [],
    description: 'Models offered from Ollama; empty for all that are there.',
  }),
  'providers.compatible.baseUrl': setting(url(), {
    description: 'Base URL of a server that speaks the OpenAI API; without it there is no such connection.',
  }),
  'providers.compatible.apiKey': setting(text, {
    secret: true,
    description: 'Key of the compatible server, if it asks for one.',
  }),
  'providers.compatible.personalKeys': setting(personalKeys, {
    default: 'none',
    description:
      'Whether people may or must call the compatible server with a key of their own; where they must, the key of these settings is not used.',
  }),
  'providers.compatible.models': setting(list(), {
    default: [],
    description: 'Models offered from the compatible server; empty for all that it lists.',
  }),
  'providers.compatible.name': setting(text, {
    default: 'compatible',
    description: 'Name that the compatible server is shown by.',
  }),
  'providers.azure.baseUrl': setting(url(), {
    description:
      'Endpoint of an Azure OpenAI resource, such as https://NAME.openai.azure.com; without it there is no such connection.',
  }),
  'providers.azure.apiKey': setting(text, { secret: true, description: 'Key of the Azure OpenAI resource.' }),
  'providers.azure.apiVersion': setting(text, {
    description: 'Version of the dated Azure API, such as 2024-10-21; the v1 API when unset.',
  }),
  'providers.azure.models': setting(list(), {
    default: [],
    description: 'Deployments offered from Azure OpenAI; empty for what it lists.',
  }),
} satisfies Readonly<Record<string, Setting>>;
