import type { Outbound, OutboundClient } from '../../../infrastructure/outbound/outbound.js';
import type { Connection } from '../../contract/connection.js';
import { RefusalError, UnreachableError } from './google-errors.js';
import type { GenerateContentBody } from './wire.js';

/** Where the Gemini API is. Parley's requests add the version. */
const defaultBaseUrl = 'https://generativelanguage.googleapis.com';
/** https://ai.google.dev/gemini-api/docs/api-versions: `v1` lacks much of what we pass on. */
const apiVersion = 'v1beta';

type Query = Readonly<Record<string, string>>;

/** The REST API, bound to one version of one connection, with a pool of sockets of its own. */
export class GoogleClient {
  private readonly outbound: OutboundClient;
  private readonly baseUrl: string;

  constructor(
    private readonly connection: Connection,
    outbound: Outbound,
  ) {
    this.outbound = outbound.client(connection.timeouts);
    this.baseUrl = baseUrlOf(connection);
  }

  /**
   * https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
   * @returns the answer with its body unread
   */
  stream(model: string, body: GenerateContentBody, signal: AbortSignal): Promise<Response> {
    return this.post(`${resourceOf(model)}:streamGenerateContent?alt=sse`, body, signal);
  }

  /** https://ai.google.dev/api/tokens */
  async countTokens(model: string, body: object, signal: AbortSignal): Promise<unknown> {
    return (await this.post(`${resourceOf(model)}:countTokens`, body, signal)).json();
  }

  /** https://ai.google.dev/api/embeddings */
  async batchEmbed(model: string, body: object, signal: AbortSignal): Promise<unknown> {
    return (await this.post(`${resourceOf(model)}:batchEmbedContents`, body, signal)).json();
  }

  /** One page: https://ai.google.dev/api/models#method:-models.list */
  async models(query: Query, signal: AbortSignal): Promise<unknown> {
    return (await this.send(`models?${new URLSearchParams(query).toString()}`, { signal })).json();
  }

  /** Waits for the requests that are under way. */
  close(): Promise<void> {
    return this.outbound.close();
  }

  private post(path: string, body: object, signal: AbortSignal): Promise<Response> {
    return this.send(path, { method: 'POST', body: JSON.stringify(body), signal });
  }

  /** @throws RefusalError for every status but those of success, UnreachableError when there is none */
  private async send(path: string, init: RequestInit): Promise<Response> {
    const headers = headersOf(this.connection);
    const response = await this.outbound
      .fetch(`${this.baseUrl}/${path}`, { ...init, headers })
      .catch((error: unknown) => {
        throw new UnreachableError(error);
      });
    if (response.ok) return response;
    throw new RefusalError(response.status, response.headers, await refusalOf(response));
  }
}

/** `models/{model}`: the name of a model, as the API wants it in paths and bodies. A tuned one says its own collection. */
export function resourceOf(model: string): string {
  const [collection, name] = /^(models|tunedModels)\/(.+)$/.exec(model)?.slice(1) ?? ['models', model];
  return `${collection ?? ''}/${encodeURIComponent(name ?? '')}`;
}

/** Other clients want the version in the base URL, so people write it there. */
function baseUrlOf({ baseUrl }: Connection): string {
  const base = (baseUrl === '' ? defaultBaseUrl : baseUrl).replace(/\/+$/, '');
  return /\/v\d+(?:alpha|beta)?$/.test(base) ? base : `${base}/${apiVersion}`;
}

/** The key is never part of the URL, which proxies log. https://ai.google.dev/gemini-api/docs/api-key */
function headersOf({ credential, headers }: Connection): [string, string][] {
  const all = new Headers({ 'content-type': 'application/json' });
  if (credential !== undefined) all.set('x-goog-api-key', credential);
  for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
  return [...all];
}

/** What the API says of its refusal; undefined when that cannot be read: the status says enough. */
async function refusalOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}
