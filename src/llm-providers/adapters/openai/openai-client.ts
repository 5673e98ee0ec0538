import OpenAI from 'openai';
import type { Outbound, OutboundClient } from '../../../infrastructure/outbound/outbound.js';
import type { Connection } from '../../contract/connection.js';

/** The SDK bound to one version of one connection, with a pool of sockets of its own. */
export class OpenAiClient {
  readonly sdk: OpenAI;
  private readonly outbound: OutboundClient;

  constructor(connection: Connection, outbound: Outbound) {
    const { connectMs, headersMs, idleMs } = connection.timeouts;
    this.outbound = outbound.client(connection.timeouts);
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
      // The outbound client has the exact limits and this is their sum: the SDK knows one, up to the headers or the end of a list.
      timeout: connectMs + headersMs + idleMs,
      defaultHeaders: {
        ...(connection.credential === undefined ? { Authorization: null } : {}),
        ...connection.headers,
      },
      fetch: this.outbound.fetch,
    });
  }

  /** Waits for the requests that are under way. */
  close(): Promise<void> {
    return this.outbound.close();
  }
}
