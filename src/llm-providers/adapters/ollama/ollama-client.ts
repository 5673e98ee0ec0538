import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../../common/clock.js';
import type { Outbound, OutboundClient } from '../../../infrastructure/outbound/outbound.js';
import type { Connection } from '../../contract/connection.js';
import type { CallContext } from '../../contract/model-provider.js';
import { JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { type FailureContext, missingTerminator } from '../../transport-failure.js';
import { drain, JsonLines } from './json-lines.js';
import { errorInStream, refusal, requestIdOf, toProviderError } from './ollama-errors.js';

/** https://docs.ollama.com/api/introduction */
const defaultBaseUrl = 'http://localhost:11434';

export interface OllamaRequest {
  /** Such as `/api/chat`. */
  readonly path: string;
  /** POSTed as JSON; without one it is a GET. */
  readonly body?: object;
  /** The longest silence, in milliseconds, where the connection's timeouts are for something quicker. */
  readonly patienceMs?: number;
  /** Bytes of the answer, where it is small and asked for with POST. */
  readonly maxBytes?: number;
}

/** Makes sense of a stream, line by line. */
export interface LineDecoder<Event> {
  /** Whether any event came out. */
  readonly outputBegan: boolean;
  /** Whether the last line has come. */
  readonly isComplete: boolean;
  /** @throws UnexpectedShapeError */
  decode(line: JsonObject): readonly Event[];
}

export interface OllamaExchange<Event> {
  readonly request: OllamaRequest;
  /** @param requestId the vendor's id of this request */
  readonly makeDecoder: (requestId: string | undefined) => LineDecoder<Event>;
}

/**
 * One version of one connection, with a pool of sockets of its own. It speaks HTTP itself: the protocol is thinner than an SDK, and bodies
 * are read as they come at less cost than by `fetch`.
 */
export class OllamaClient {
  private readonly outbound: OutboundClient;
  private readonly baseUrl: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    connection: Connection,
    outbound: Outbound,
    private readonly clock: Clock,
  ) {
    const { baseUrl, credential, headers, timeouts } = connection;
    this.outbound = outbound.client(timeouts);
    // Other programs want the path of the API in the base URL, so people write it there.
    this.baseUrl = baseUrl === '' ? defaultBaseUrl : baseUrl.replace(/\/+(?:api\/*)?$/, '');
    this.headers = {
      accept: 'application/json, application/x-ndjson',
      // Ollama itself asks for none; ollama.com and proxies do. https://docs.ollama.com/api/authentication
      ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
      ...lowerCased(headers ?? {}),
    };
  }

  /**
   * The whole answer.
   * @param read what it throws counts as a failure of the server
   * @throws ProviderError, or the signal's reason
   */
  async ask<Answer>(
    request: OllamaRequest,
    call: CallContext,
    read: (response: JsonObject) => Answer,
  ): Promise<Answer> {
    call.signal.throwIfAborted();
    try {
      const { body } = await this.send(request, call);
      return read(JsonObject.from(JSON.parse(await body.text()), 'response'));
    } catch (error) {
      call.signal.throwIfAborted();
      throw toProviderError(error, this.failureContext(false));
    }
  }

  /**
   * The answer as it comes.
   * @param prepare makes the request; what it throws is thrown before anything is sent
   * @throws ProviderError, or the signal's reason
   */
  async *stream<Event>(
    prepare: () => OllamaExchange<Event>,
    call: CallContext,
  ): AsyncGenerator<Event, void, undefined> {
    call.signal.throwIfAborted();
    const { request, makeDecoder } = prepare();
    let requestId: string | undefined;
    let decoder: LineDecoder<Event> | undefined;
    const failure = (): FailureContext => this.failureContext(decoder?.outputBegan ?? false, requestId);
    try {
      const { headers, body } = await this.send(request, call);
      requestId = requestIdOf(headers);
      decoder = makeDecoder(requestId);
      const lines = linesOf(headers, body);
      for await (const batch of lines.batches()) {
        for (const text of batch) {
          // Abort means now, though more may have arrived already.
          call.signal.throwIfAborted();
          const events = decoder.decode(lineOf(text, failure));
          if (decoder.isComplete) lines.terminate();
          for (const event of events) yield event;
          if (decoder.isComplete) return;
        }
      }
    } catch (error) {
      call.signal.throwIfAborted();
      throw toProviderError(error, failure());
    }
    call.signal.throwIfAborted();
    throw missingTerminator(failure());
  }

  /** Waits for the requests that are under way. */
  close(): Promise<void> {
    return this.outbound.close();
  }

  /** @returns what was answered with 200, its body unread */
  private async send(request: OllamaRequest, call: CallContext): Promise<Dispatcher.ResponseData> {
    const { path, body, patienceMs, maxBytes } = request;
    const response = await this.outbound.request(this.baseUrl + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...this.headers,
        'x-request-id': call.requestId,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: call.signal,
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(patienceMs === undefined ? {} : { headersTimeout: patienceMs, bodyTimeout: patienceMs }),
    });
    if (response.statusCode === 200) return response;
    drain(response.body);
    throw refusal(response.statusCode, response.headers, this.failureContext(false));
  }

  private failureContext(outputBegan: boolean, requestId?: string): FailureContext {
    return { provider: 'ollama', outputBegan, nowMs: this.clock.now().getTime(), requestId };
  }
}

/** So that what the connection says replaces what we would say. */
function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function linesOf(headers: IncomingHttpHeaders, body: Dispatcher.ResponseData['body']): JsonLines {
  if (/^application\/x-ndjson\b/i.test(headers['content-type'] ?? '')) return new JsonLines(body);
  drain(body);
  throw new UnexpectedShapeError('response', 'a stream of lines');
}

/** @throws ProviderError when the server reports an error in the middle of the stream. */
function lineOf(text: string, failure: () => FailureContext): JsonObject {
  const line = JsonObject.from(JSON.parse(text), 'line');
  if (line.value('error') !== undefined) throw errorInStream(line, failure());
  return line;
}
