import OpenAI from 'openai';
import type { Dispatcher } from 'undici';
import type { Outbound, OutboundClient } from '../../../infrastructure/outbound/outbound.js';
import type { Connection } from '../../contract/connection.js';
import type { CallContext } from '../../contract/model-provider.js';
import { type Endpoint, endpointOf, type Operation } from './endpoint.js';
import type { OpenAiKind } from './openai-kind.js';

/** OpenAI logs it: https://platform.openai.com/docs/api-reference/debugging-requests */
const ourRequestId = 'x-client-request-id';

const plainly = { accept: 'application/json', 'content-type': 'application/json' };

interface OpenAiRequest {
  readonly operation: Operation;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The SDK bound to one version of one connection, with a pool of sockets of its own. */
export class OpenAiClient {
  private readonly sdk: OpenAI;
  private readonly outbound: OutboundClient;
  private readonly endpoint: Endpoint;
  private readonly forwardHeaders: Readonly<Record<string, string>>;

  /** @throws ProviderError invalid_request for options of the connection that mean nothing */
  constructor(connection: Connection, kind: OpenAiKind, outbound: Outbound) {
    const { connectMs, headersMs, idleMs } = connection.timeouts;
    this.endpoint = endpointOf(connection, kind);
    this.outbound = outbound.client(connection.timeouts);
    this.forwardHeaders = { ...plainly, ...lowerCased(this.endpoint.headers) };
    this.sdk = new OpenAI({
      baseURL: this.endpoint.baseUrl,
      // The SDK insists on one. Neither the header it makes of it leaves, nor what it finds in the environment (`fetch`).
      apiKey: 'none',
      logLevel: 'off',
      // Retries belong to the generation room, which knows whether output began.
      maxRetries: 0,
      // The outbound client has the exact limits and this is their sum: the SDK knows one, up to the headers or the end of a list.
      timeout: connectMs + headersMs + idleMs,
      fetch: this.fetch,
    });
  }

  /** @returns the answer with its body unread */
  stream(request: OpenAiRequest, call: CallContext): Promise<Response> {
    return this.post(request, call, true).asResponse();
  }

  embed(body: OpenAiRequest['body'], call: CallContext): Promise<unknown> {
    return this.post({ operation: '/embeddings', body }, call, false);
  }

  /** Sends a body that is written already, without the SDK, at a fraction of its cost: any status is an answer. */
  forward(
    operation: Operation,
    model: string,
    body: Uint8Array | string,
    { signal, requestId }: CallContext,
  ): Promise<Dispatcher.ResponseData> {
    const { baseUrl, query } = this.endpoint;
    const search = new URLSearchParams(query).toString();
    const url = `${baseUrl}${this.endpoint.path(operation, model)}${search === '' ? '' : `?${search}`}`;
    return this.outbound.request(url, {
      method: 'POST',
      headers: { [ourRequestId]: requestId, ...this.forwardHeaders },
      body,
      signal,
    });
  }

  models({ signal, requestId }: CallContext): Promise<unknown> {
    const { query } = this.endpoint;
    const path = this.endpoint.path('/models', undefined);
    return this.sdk.get<unknown>(path, { query, signal, headers: { [ourRequestId]: requestId } });
  }

  /** Waits for the requests that are under way. */
  close(): Promise<void> {
    return this.outbound.close();
  }

  private post(
    { operation, body }: OpenAiRequest,
    { signal, requestId }: CallContext,
    stream: boolean,
  ): ReturnType<OpenAI['post']> {
    const { query } = this.endpoint;
    const model = typeof body['model'] === 'string' ? body['model'] : undefined;
    const path = this.endpoint.path(operation, model);
    return this.sdk.post(path, { body, query, signal, stream, headers: { [ourRequestId]: requestId } });
  }

  /**
   * Lets out what the connection says and HTTP needs, and nothing that the SDK adds: it tells about this machine, and OPENAI_ORG_ID,
   * OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS of the environment, of which the last would even replace the credential.
   */
  private readonly fetch = (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const requestId = new Headers(init.headers).get(ourRequestId);
    const headers = new Headers({
      accept: 'application/json',
      ...(typeof init.body !== 'string' ? {} : { 'content-type': 'application/json' }),
      ...(requestId === null ? {} : { [ourRequestId]: requestId }),
    });
    for (const [name, value] of Object.entries(this.endpoint.headers)) headers.set(name, value);
    return this.outbound.fetch(url, { ...init, headers });
  };
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
