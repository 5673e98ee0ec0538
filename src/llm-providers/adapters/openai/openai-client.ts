import OpenAI from 'openai';
import { Agent, fetch } from 'undici';
import type { Connection } from '../../contract/connection.js';

/** More than any answer or list needs; a body beyond it is an attack or a fault. Bytes, before decompression. */
const maxResponseBytes = 64 * 1024 * 1024;

/** The SDK bound to one version of one connection, with a pool of sockets of its own. */
export class OpenAiClient {
  readonly sdk: OpenAI;
  private readonly agent: Agent;

  constructor(connection: Connection) {
    const { connectMs, headersMs, idleMs } = connection.timeouts;
    this.agent = new Agent({
      connect: { timeout: connectMs },
      headersTimeout: headersMs,
      bodyTimeout: idleMs,
      maxResponseSize: maxResponseBytes,
    });
    this.sdk = new OpenAI({
      baseURL: connection.baseUrl,
      // The SDK insists on a key; for a server without one, the header it would make is removed below.
      apiKey: connection.credential ?? 'none',
      // Null, so that the SDK does not take them from the environment: a connection says everything.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
      // Retries belong to the generation room, which knows whether output began.
      maxRetries: 0,
      // The agent has the exact limits and this is their sum: the SDK knows one, up to the headers or the end of a list.
      timeout: connectMs + headersMs + idleMs,
      defaultHeaders: {
        ...(connection.credential === undefined ? { Authorization: null } : {}),
        ...connection.headers,
      },
      fetch: this.fetch,
    });
  }

  /** Waits for the requests that are under way. */
  close(): Promise<void> {
    return this.agent.close();
  }

  /**
   * The fetch of the same undici as the agent. A redirect is an answer like any other (and then a failure), so that
   * the credential never follows it; `redirect: 'error'` would look like a broken network.
   */
  private readonly fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    // Node's global types and undici's describe the same classes, but TypeScript cannot see that; the SDK passes strings.
    const options = { ...init, redirect: 'manual', dispatcher: this.agent } as Parameters<typeof fetch>[1];
    return fetch(url as string, options);
  };
}
