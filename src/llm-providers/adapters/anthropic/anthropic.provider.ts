import type { Clock } from '../../../common/clock.js';
import type { Outbound } from '../../../infrastructure/outbound/outbound.js';
import { ConnectionCache } from '../../connection-cache.js';
import type { ForwardEvent, ForwardRequest, WireProtocol } from '../../contract/forward.js';
import type { GenerateEvent } from '../../contract/generate-event.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { ModelInfo } from '../../contract/model-info.js';
import type { CallContext, ModelProvider } from '../../contract/model-provider.js';
import { eventStreamOf, serverSentEvents } from '../../event-stream.js';
import { ForwardedAnswer } from '../../forwarded-answer.js';
import { JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { listedModels, maxListedModels } from '../../listed-models.js';
import { type FailureContext, missingTerminator, presentableRequestId } from '../../transport-failure.js';
import { AnthropicClient } from './anthropic-client.js';
import { errorInStream, toProviderError } from './anthropic-errors.js';
import { describeModel, toModelInfo } from './anthropic-models.js';
import { isForwarded, toOutgoing } from './forward.js';
import { MessageDecoder } from './message-decoder.js';
import { toCountTokensParams, toMessageParams } from './message-request.js';
import { invalid } from './refusals.js';

const terminator = 'message_stop';

/** Others, such as `ping`, may come at any time: https://platform.claude.com/docs/en/build-with-claude/streaming#event-types */
const knownEvents: ReadonlySet<string> = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  terminator,
  'error',
]);

/** The vendor's maximum: https://platform.claude.com/docs/en/api/models/list */
const modelsPerPage = 1000;
/** More models than that nobody has: a list that goes on is not one. */
const maxModelPages = 20;

/**
 * Anthropic's Messages API. The official SDK makes the request and types its failures. The stream is parsed here, because the SDK's own
 * iterator takes a connection that ends early for the end of the answer.
 */
export class AnthropicProvider implements ModelProvider {
  readonly kind = 'anthropic';
  private readonly clients = new ConnectionCache(
    (connection) => new AnthropicClient(connection, this.outbound),
    (client) => client.close(),
  );

  constructor(
    private readonly clock: Clock,
    private readonly outbound: Outbound,
  ) {}

  /** Asks for one model: the cheapest call that needs the credential. */
  async verify(call: CallContext): Promise<void> {
    await this.attempt(call, async () => {
      const list: unknown = await this.client(call).models({ limit: 1 }, call.signal);
      JsonObject.from(list, 'models').requiredList('data');
    });
  }

  listModels(call: CallContext): Promise<readonly ModelInfo[]> {
    return this.attempt(call, () => this.modelPages(call));
  }

  describeModel(model: string): ModelInfo {
    return describeModel(model);
  }

  check(request: GenerateRequest): void {
    toMessageParams(request);
  }

  async *stream(request: GenerateRequest, call: CallContext): AsyncGenerator<GenerateEvent, void, undefined> {
    const body = toMessageParams(request);
    const { signal } = call;
    const response = await this.attempt(call, () => this.client(call).stream({ body, signal }));
    const requestId = presentableRequestId(response.headers.get('request-id'));
    const decoder = new MessageDecoder(requestId);
    const failure = (): FailureContext => this.failureContext(decoder.outputBegan, requestId);
    try {
      for await (const { event: name, data } of serverSentEvents(eventStreamOf(response), isTerminator)) {
        // Abort means now, though more may have arrived already.
        signal.throwIfAborted();
        if (name !== undefined && !knownEvents.has(name)) continue;
        const event = eventOf(data, failure);
        if (event.text('type') === terminator) {
          const last = decoder.finish();
          if (last === undefined) break;
          return yield* last;
        }
        // Here `yield*` would take two more promises for each (docs/performance.md).
        for (const output of decoder.decode(event)) yield output;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw toProviderError(error, failure());
    }
    signal.throwIfAborted();
    throw missingTerminator(failure());
  }

  speaks(protocol: WireProtocol): boolean {
    return isForwarded(protocol);
  }

  async *forward(request: ForwardRequest, call: CallContext): AsyncGenerator<ForwardEvent, void, undefined> {
    const { protocol } = request;
    if (!isForwarded(protocol)) throw invalid('protocol');
    const outgoing = toOutgoing(request, protocol);
    const response = await this.attempt(call, () => this.client(call).forward(outgoing, call.signal));
    const requestId = presentableRequestId(response.headers['request-id']);
    const answer = new ForwardedAnswer(response, requestId);
    try {
      yield* answer.events(outgoing.answer);
    } catch (error) {
      call.signal.throwIfAborted();
      throw toProviderError(error, this.failureContext(answer.outputBegan, requestId));
    }
  }

  countTokens(request: GenerateRequest, call: CallContext): Promise<number> {
    return this.attempt(call, async () => {
      const body = toCountTokensParams(request);
      const count = await this.client(call).countTokens({ body, signal: call.signal });
      return JsonObject.from(count, 'count').requiredCount('input_tokens');
    });
  }

  retain(isKept: (connectionId: string) => boolean): void {
    this.clients.retain(isKept);
  }

  close(): Promise<void> {
    return this.clients.clear();
  }

  private async modelPages(call: CallContext): Promise<readonly ModelInfo[]> {
    let models: readonly ModelInfo[] = [];
    let after: string | undefined;
    for (let count = 0; count < maxModelPages; count += 1) {
      const query = { limit: modelsPerPage, ...(after === undefined ? {} : { after_id: after }) };
      const page = JsonObject.from(await this.client(call).models(query, call.signal), 'models');
      models = listedModels(page.requiredList('data'), toModelInfo, models);
      if (page.value('has_more') !== true || models.length >= maxListedModels) return models;
      after = page.requiredText('last_id');
    }
    throw new UnexpectedShapeError('models', `a list of at most ${maxModelPages} pages`);
  }

  private client({ connection }: CallContext): AnthropicClient {
    return this.clients.get(connection);
  }

  /** Runs a request up to its answer, or to its headers when it streams. */
  private async attempt<Result>(call: CallContext, request: () => Promise<Result>): Promise<Result> {
    call.signal.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      call.signal.throwIfAborted();
      throw toProviderError(error, this.failureContext(false));
    }
  }

  private failureContext(outputBegan: boolean, requestId?: string): FailureContext {
    return { provider: this.kind, outputBegan, nowMs: this.clock.now().getTime(), requestId };
  }
}

function isTerminator({ event }: { readonly event?: string | undefined }): boolean {
  return event === terminator;
}

/** @throws ProviderError when the vendor reports an error in the middle of the stream. */
function eventOf(data: string, failure: () => FailureContext): JsonObject {
  const value: unknown = JSON.parse(data);
  const event = JsonObject.from(value, 'event');
  if (event.text('type') === 'error') throw errorInStream(value, failure());
  return event;
}
