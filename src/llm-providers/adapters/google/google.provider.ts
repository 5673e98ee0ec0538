import type { Clock } from '../../../common/clock.js';
import type { Outbound } from '../../../infrastructure/outbound/outbound.js';
import { ConnectionCache } from '../../connection-cache.js';
import type { EmbedRequest, EmbedResult } from '../../contract/embed.js';
import type { GenerateEvent } from '../../contract/generate-event.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { ModelInfo } from '../../contract/model-info.js';
import type { CallContext, ModelProvider } from '../../contract/model-provider.js';
import { eventStreamOf, serverSentEvents } from '../../event-stream.js';
import { JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { listedModels, maxListedModels } from '../../listed-models.js';
import { type FailureContext, missingTerminator } from '../../transport-failure.js';
import { joinBatches, toBatchEmbedBody, toBatchEmbedResult, toBatches } from './embeddings.js';
import { toCountTokensBody, toGenerateContentBody } from './generate-content-request.js';
import { GenerateContentDecoder } from './generate-content-decoder.js';
import { GoogleClient, resourceOf } from './google-client.js';
import { errorInStream, toProviderError } from './google-errors.js';
import { describeModel, toModelInfo } from './google-models.js';
import { untilQuiet } from './quiet-end.js';
import type { GenerateContentBody } from './wire.js';

/** The vendor's maximum: https://ai.google.dev/api/models#method:-models.list */
const modelsPerPage = 1000;
/** More models than that nobody has: a list that goes on is not one. */
const maxModelPages = 20;
/** An answer fits into a window of 1 Mi tokens, and each request brings up to 64 Ki of them, thoughts included. */
const maxRequests = 64;

/**
 * Google's Gemini API (generativelanguage.googleapis.com), by REST.
 *
 * Of the official SDK only the types are used: its streams take a connection that ends early, or an answer without a reason, for a whole
 * one and go on after a cut by themselves; it hides the response, warns on the console and reads the environment.
 * docs/decisions/2026-11-21-google-adapter.md
 */
export class GoogleProvider implements ModelProvider {
  readonly kind = 'google';
  private readonly clients = new ConnectionCache(
    (connection) => new GoogleClient(connection, this.outbound),
    (client) => client.close(),
  );

  constructor(
    private readonly clock: Clock,
    private readonly outbound: Outbound,
  ) {}

  /** Asks for one model: the cheapest call that needs the credential. */
  async verify(call: CallContext): Promise<void> {
    await this.attempt(call, async () => {
      const list: unknown = await this.client(call).models({ pageSize: '1' }, call.signal);
      JsonObject.from(list, 'models').requiredList('models');
    });
  }

  listModels(call: CallContext): Promise<readonly ModelInfo[]> {
    return this.attempt(call, () => this.modelPages(call));
  }

  describeModel(model: string): ModelInfo {
    return describeModel(model);
  }

  check(request: GenerateRequest): void {
    toGenerateContentBody(request);
  }

  /** An answer beyond what one request may bring is asked for until it ends: the same request again, with the token of the last one. */
  async *stream(request: GenerateRequest, call: CallContext): AsyncGenerator<GenerateEvent, void, undefined> {
    const body = toGenerateContentBody(request);
    const { signal } = call;
    const decoder = new GenerateContentDecoder(call.requestId);
    signal.throwIfAborted();
    try {
      yield* this.answer({ model: request.model, body, decoder, call });
      for (let count = 1; count < maxRequests; count += 1) {
        const continuationToken = decoder.nextRequest();
        if (continuationToken === undefined) break;
        yield* this.answer({ model: request.model, body: { ...body, continuationToken }, decoder, call });
      }
    } catch (error) {
      signal.throwIfAborted();
      throw toProviderError(error, this.failureContext(decoder));
    }
    yield* decoder.finish();
  }

  embed({ model, inputs, dimensions }: EmbedRequest, call: CallContext): Promise<EmbedResult> {
    return this.attempt(call, async () => {
      const batches: EmbedResult[] = [];
      for (const batch of toBatches(inputs)) {
        const body = toBatchEmbedBody(batch, resourceOf(model), dimensions);
        const response = await this.client(call).batchEmbed(model, body, call.signal);
        batches.push(toBatchEmbedResult(JsonObject.from(response, 'response'), batch.length));
      }
      return joinBatches(batches);
    });
  }

  countTokens(request: GenerateRequest, call: CallContext): Promise<number> {
    return this.attempt(call, async () => {
      const { model } = request;
      const body = toCountTokensBody(request, resourceOf(model));
      const count = await this.client(call).countTokens(model, body, call.signal);
      return JsonObject.from(count, 'count').requiredCount('totalTokens');
    });
  }

  retain(isKept: (connectionId: string) => boolean): void {
    this.clients.retain(isKept);
  }

  close(): Promise<void> {
    return this.clients.clear();
  }

  /** What one request brings, up to the chunk that says why it ended. */
  private async *answer({
    model,
    body,
    decoder,
    call,
  }: Asking): AsyncGenerator<GenerateEvent, void, undefined> {
    const response = await this.client(call).stream(model, body, call.signal);
    const stream = untilQuiet(eventStreamOf(response), () => decoder.isOver);
    for await (const { data } of serverSentEvents(stream, () => false)) {
      // Abort means now, though more may have arrived already.
      call.signal.throwIfAborted();
      const chunk = JsonObject.from(JSON.parse(data), 'chunk');
      const error = chunk.value('error');
      if (error !== undefined) throw errorInStream(error, this.failureContext(decoder));
      // Here `yield*` would take two more promises for each (docs/performance.md).
      for (const event of decoder.decode(chunk)) yield event;
    }
    call.signal.throwIfAborted();
    if (!decoder.isOver) throw missingTerminator(this.failureContext(decoder));
  }

  private async modelPages(call: CallContext): Promise<readonly ModelInfo[]> {
    let models: readonly ModelInfo[] = [];
    let pageToken: string | undefined;
    for (let count = 0; count < maxModelPages; count += 1) {
      const query = { pageSize: `${modelsPerPage}`, ...(pageToken === undefined ? {} : { pageToken }) };
      const page = JsonObject.from(await this.client(call).models(query, call.signal), 'models');
      models = listedModels(page.requiredList('models'), toModelInfo, models);
      pageToken = page.text('nextPageToken');
      if (pageToken === undefined || models.length >= maxListedModels) return models;
    }
    throw new UnexpectedShapeError('models', `a list of at most ${maxModelPages} pages`);
  }

  private client({ connection }: CallContext): GoogleClient {
    return this.clients.get(connection);
  }

  /** Runs a request up to its answer. */
  private async attempt<Result>(call: CallContext, request: () => Promise<Result>): Promise<Result> {
    call.signal.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      call.signal.throwIfAborted();
      throw toProviderError(error, this.failureContext());
    }
  }

  private failureContext(decoder?: GenerateContentDecoder): FailureContext {
    return {
      provider: this.kind,
      outputBegan: decoder?.outputBegan ?? false,
      nowMs: this.clock.now().getTime(),
      requestId: decoder?.requestId,
    };
  }
}

interface Asking {
  readonly model: string;
  readonly body: GenerateContentBody;
  readonly decoder: GenerateContentDecoder;
  readonly call: CallContext;
}
