import type { Clock } from '../../../common/clock.js';
import type { Outbound } from '../../../infrastructure/outbound/outbound.js';
import { ConnectionCache } from '../../connection-cache.js';
import type { EmbedRequest, EmbedResult } from '../../contract/embed.js';
import type { GenerateEvent } from '../../contract/generate-event.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { ModelInfo } from '../../contract/model-info.js';
import type { CallContext, ModelProvider } from '../../contract/model-provider.js';
import { refuseUnsupported } from '../../contract/refuse-unsupported.js';
import { eventStreamOf, serverSentEvents } from '../../event-stream.js';
import { JsonObject } from '../../json-shape.js';
import { missingTerminator, presentableRequestId, type FailureContext } from '../../transport-failure.js';
import { ChatCompletionDecoder } from './chat-completion-decoder.js';
import { chatCompletionFields, toChatCompletionParams } from './chat-completion-request.js';
import { toEmbedResult } from './embedding-response.js';
import { OpenAiClient } from './openai-client.js';
import { errorInStream, toProviderError } from './openai-errors.js';
import { describeModel, toModelInfos } from './openai-models.js';

const terminator = '[DONE]';

/**
 * OpenAI (`openai`) and the many servers that speak its chat completions (`openai-compatible`): vLLM, llama-server,
 * LM Studio, Groq, OpenRouter, …
 *
 * The official SDK makes the request and types its failures. The stream is parsed here, because the SDK's own
 * iterator takes a connection that ends early for the end of the answer.
 */
export class OpenAiProvider implements ModelProvider {
  private readonly clients = new ConnectionCache(
    (connection) => new OpenAiClient(connection, this.outbound),
    (client) => client.close(),
  );

  constructor(
    readonly kind: 'openai' | 'openai-compatible',
    private readonly clock: Clock,
    private readonly outbound: Outbound,
  ) {}

  /** Asks for the list of models: the cheapest call that needs the credential. */
  async verify(call: CallContext): Promise<void> {
    await this.listModels(call);
  }

  listModels(call: CallContext): Promise<readonly ModelInfo[]> {
    return this.attempt(call, async () => {
      const list = await this.sdk(call).get<unknown>('/models', requestOptions(call));
      return toModelInfos(JsonObject.from(list, 'models'), this.kind);
    });
  }

  describeModel(model: string): ModelInfo {
    return describeModel(model, this.kind);
  }

  async *stream(request: GenerateRequest, call: CallContext): AsyncGenerator<GenerateEvent, void, undefined> {
    refuseUnsupported(this.kind, request, chatCompletionFields);
    const response = await this.attempt(call, () =>
      this.sdk(call)
        .chat.completions.create(toChatCompletionParams(request, this.kind), requestOptions(call))
        .asResponse(),
    );
    const requestId = presentableRequestId(response.headers.get('x-request-id'));
    const decoder = new ChatCompletionDecoder(requestId);
    const failure = (): FailureContext => this.failureContext(decoder.outputBegan, requestId);
    try {
      const events = serverSentEvents(eventStreamOf(response), ({ data }) => data === terminator);
      for await (const { event, data } of events) {
        // Abort means now, though more may have arrived already.
        call.signal.throwIfAborted();
        if (!isKnown(event)) continue;
        if (data === terminator) {
          const last = decoder.finish();
          if (last === undefined) break;
          return yield* last;
        }
        yield* decoder.decode(chunkOf(data, failure));
      }
    } catch (error) {
      call.signal.throwIfAborted();
      throw toProviderError(error, failure());
    }
    call.signal.throwIfAborted();
    throw missingTerminator(failure());
  }

  embed(request: EmbedRequest, call: CallContext): Promise<EmbedResult> {
    return this.attempt(call, async () => {
      const { model, inputs } = request;
      // Plain numbers, because not every compatible server knows the SDK's default of base64.
      const body = { model, input: [...inputs], encoding_format: 'float' as const };
      const response: unknown = await this.sdk(call).embeddings.create(body, requestOptions(call));
      return toEmbedResult(JsonObject.from(response, 'embeddings'), inputs.length);
    });
  }

  close(): Promise<void> {
    return this.clients.clear();
  }

  private sdk({ connection }: CallContext): OpenAiClient['sdk'] {
    return this.clients.get(connection).sdk;
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

/** OpenAI logs `X-Client-Request-Id`: https://platform.openai.com/docs/api-reference/debugging-requests */
function requestOptions({ signal, requestId }: CallContext): {
  signal: AbortSignal;
  headers: Record<string, string>;
} {
  return { signal, headers: { 'X-Client-Request-Id': requestId } };
}

/** Chat completions are unnamed, and `error`; what else a server sends under a name of its own is not for us. */
function isKnown(event: string | undefined): boolean {
  return event === undefined || event === 'message' || event === 'error';
}

/** @throws ProviderError when the vendor reports an error in the middle of the stream. */
function chunkOf(data: string, failure: () => FailureContext): JsonObject {
  const value: unknown = JSON.parse(data);
  const chunk = JsonObject.from(value, 'chunk');
  // vLLM also sends the error object itself as the chunk.
  const error = chunk.value('error') ?? (chunk.value('object') === 'error' ? value : undefined);
  if (error !== undefined) throw errorInStream(error, failure());
  return chunk;
}
