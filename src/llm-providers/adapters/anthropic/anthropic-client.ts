import Anthropic from '@anthropic-ai/sdk';
import type { Dispatcher } from 'undici';
import type { Outbound, OutboundClient } from '../../../infrastructure/outbound/outbound.js';
import type { Connection } from '../../contract/connection.js';
import type { Outgoing } from './forward.js';

/** Where Anthropic's own API is. Parley's requests add `/v1/…`. */
const defaultBaseUrl = 'https://api.anthropic.com';

/** https://platform.claude.com/docs/en/api/versioning */
const apiVersion = '2026-10-21';
/**
 * The last version that knows temperature, top_p and top_k. The models that still take them do so only here; otherwise it treats a
 * request of ours in the same way. https://platform.claude.com/docs/en/api/migration-2026-10-21
 */
const samplingApiVersion = '2023-06-01';

/** https://platform.claude.com/docs/en/api/beta-headers */
const betaHeader = 'anthropic-beta';

const plainly = { accept: 'application/json', 'content-type': 'application/json' };

interface AnthropicRequest {
  readonly body: object;
  readonly signal: AbortSignal;
}

/** The SDK bound to one version of one connection, with a pool of sockets of its own. */
export class AnthropicClient {
  private readonly sdk: Anthropic;
  private readonly outbound: OutboundClient;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly baseUrl: string;
  private readonly forwardHeaders: Readonly<Record<string, string>>;

  constructor(connection: Connection, outbound: Outbound) {
    const { connectMs, headersMs, idleMs } = connection.timeouts;
    const { credential } = connection;
    const own = { ...(credential === undefined ? {} : { 'x-api-key': credential }), ...connection.headers };
    this.headers = { 'anthropic-version': apiVersion, ...own };
    this.forwardHeaders = lowerCased(own);
    this.baseUrl = baseUrlOf(connection);
    this.outbound = outbound.client(connection.timeouts);
    this.sdk = new Anthropic({
      baseURL: this.baseUrl,
      // With a key of its own the SDK looks for none, in the environment or on disk. The header it makes of it does not leave (`fetch`).
      apiKey: credential ?? 'none',
      webhookKey: null,
      logLevel: 'off',
      openTelemetry: false,
      // Retries belong to the generation room, which knows whether output began.
      maxRetries: 0,
      // The outbound client has the exact limits and this is their sum: the SDK knows one, up to the headers or the end of a list.
      timeout: connectMs + headersMs + idleMs,
      fetch: this.fetch,
    });
  }

  /**
   * POST by way of the SDK's plain `post`: its `messages.create` writes to the console about old models.
   * @returns the answer with its body unread
   */
  stream({ body, signal }: AnthropicRequest): Promise<Response> {
    const version = takesSampling(body) ? { 'anthropic-version': samplingApiVersion } : {};
    const headers = { ...this.headers, ...version };
    return this.sdk.post('/v1/messages', { body, signal, headers, stream: true }).asResponse();
  }

  /**
   * Sends a body that is written already, without the SDK, at a fraction of its cost: any status is an answer. What the connection says
   * comes before what the program says, but for the betas, which are those of both.
   */
  forward({ path, body, headers }: Outgoing, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const betas = [headers[betaHeader], this.forwardHeaders[betaHeader]].filter((list) => list !== undefined);
    return this.outbound.request(this.baseUrl.replace(/\/$/, '') + path, {
      method: 'POST',
      headers: {
        ...plainly,
        'anthropic-version': samplingApiVersion,
        ...headers,
        ...this.forwardHeaders,
        ...(betas.length === 0 ? {} : { [betaHeader]: betas.join(',') }),
      },
      body,
      signal,
    });
  }

  /** https://platform.claude.com/docs/en/api/messages/count_tokens */
  countTokens({ body, signal }: AnthropicRequest): Promise<unknown> {
    return this.sdk.post<unknown>('/v1/messages/count_tokens', { body, signal, headers: this.headers });
  }

  /** One page: https://platform.claude.com/docs/en/api/models/list */
  models(query: Readonly<Record<string, string | number>>, signal: AbortSignal): Promise<unknown> {
    return this.sdk.get<unknown>('/v1/models', { query, signal, headers: this.headers });
  }

  /** Waits for the requests that are under way. */
  close(): Promise<void> {
    return this.outbound.close();
  }

  /** Lets out what the connection says and HTTP needs: the SDK adds what it finds in ANTHROPIC_CUSTOM_HEADERS and about this machine. */
  private readonly fetch = (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const known = new Set(
      ['accept', 'content-type', 'user-agent', ...Object.keys(this.headers)].map(lowerCase),
    );
    const headers = [...new Headers(init.headers)].filter(([name]) => known.has(lowerCase(name)));
    return this.outbound.fetch(url, { ...init, headers });
  };
}

/** The SDK's paths begin with `/v1`; other clients want it in the base URL, so people write it there. */
function baseUrlOf({ baseUrl }: Connection): string {
  return baseUrl === '' ? defaultBaseUrl : baseUrl.replace(/\/v1\/?$/, '');
}

function takesSampling(body: object): boolean {
  return ['temperature', 'top_p', 'top_k'].some((field) => Object.hasOwn(body, field));
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [lowerCase(name), value]));
}

function lowerCase(name: string): string {
  return name.toLowerCase();
}
