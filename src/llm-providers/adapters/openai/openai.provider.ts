import type { Clock } from '../../../common/clock.js';
import type { Outbound } from '../../../infrastructure/outbound/outbound.js';
import { ConnectionCache } from '../../connection-cache.js';
import type { Connection } from '../../contract/connection.js';
import type { EmbedRequest, EmbedResult } from '../../contract/embed.js';
import type { ForwardEvent, ForwardRequest, WireProtocol } from '../../contract/forward.js';
import type { GenerateEvent } from '../../contract/generate-event.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { ModelInfo } from '../../contract/model-info.js';
import type { CallContext, ModelProvider } from '../../contract/model-provider.js';
import type { OptionRules } from '../../contract/option-rules.js';
import { eventStreamOf, serverSentEvents } from '../../event-stream.js';
import { ForwardedAnswer, toHeaders } from '../../forwarded-answer.js';
import { JsonObject } from '../../json-shape.js';
import { present } from '../../present.js';
import { type FailureContext, missingTerminator } from '../../transport-failure.js';
import { openAiOptionRules, openAiOptions } from './connection-options.js';
import { toEmbedResult } from './embedding-response.js';
import { isForwarded, toOutgoing } from './forward.js';
import { apiFor } from './openai-api.js';
import { OpenAiClient } from './openai-client.js';
import { requestIdOf, toProviderError } from './openai-errors.js';
import type { OpenAiKind } from './openai-kind.js';
import { describeModel, toModelInfos } from './openai-models.js';
import { invalid } from './refusals.js';

/**
 * OpenAI (`openai`), the same models on Azure (`azure-openai`), and the many servers that speak its chat completions
 * (`openai-compatible`): vLLM, llama-server, LM Studio, Groq, OpenRouter, …
 *
 * The official SDK makes the request and types its failures. The stream is parsed here, because the SDK's own
 * iterator takes a connection that ends early for the end of the answer.
 */
export class OpenAiProvider implements ModelProvider {
  readonly connectionOptions: OptionRules;
  readonly namesNoModels: boolean;
  private readonly clients = new ConnectionCache(
    (connection) => new OpenAiClient(connection, this.kind, this.outbound),
    (client) => client.close(),
  );

  constructor(
    readonly kind: OpenAiKind,
    private readonly clock: Clock,
    private readonly outbound: Outbound,
  ) {
    this.connectionOptions = openAiOptionRules(kind);
    this.namesNoModels = kind === 'azure-openai';
  }

  /** Asks for the list of models: the cheapest call that needs the credential. */
  async verify(call: CallContext): Promise<void> {
    await this.attempt(call, async () => (await this.models(call)).requiredList('data'));
  }

  /**
   * @throws ProviderError invalid_request on Azure, which tells a key what models there are, but not what was deployed of them:
   * https://learn.microsoft.com/rest/api/azureopenai/models/list. The operator has to name the deployments.
   */
  listModels(call: CallContext): Promise<readonly ModelInfo[]> {
    return this.attempt(call, async () => {
      const list = await this.models(call);
      if (this.namesNoModels) throw invalid(this.kind, 'connection.models');
      return toModelInfos(list, this.kind);
    });
  }

  describeModel(model: string): ModelInfo {
    return describeModel(model, this.kind);
  }

  check(request: GenerateRequest, connection: Connection): void {
    const options = openAiOptions(connection, this.kind);
    apiFor(request, this.kind, options).toBody(request, this.kind, options);
  }

  async *stream(request: GenerateRequest, call: CallContext): AsyncGenerator<GenerateEvent, void, undefined> {
    const options = openAiOptions(call.connection, this.kind);
    const api = apiFor(request, this.kind, options);
    const { operation } = api;
    const body = { ...api.toBody(request, this.kind, options) };
    const response = await this.attempt(call, () => this.client(call).stream({ operation, body }, call));
    const requestId = requestIdOf(response.headers);
    const decoder = api.makeDecoder(requestId);
    const failure = (): FailureContext => this.failureContext(decoder.outputBegan, requestId);
    try {
      for await (const message of serverSentEvents(eventStreamOf(response), api.isLast)) {
        // Abort means now, though more may have arrived already.
        call.signal.throwIfAborted();
        for (const event of decoder.decode(message)) {
          yield event;
          if (event.type === 'finish') return;
        }
      }
    } catch (error) {
      call.signal.throwIfAborted();
      throw toProviderError(error, failure());
    }
    call.signal.throwIfAborted();
    throw missingTerminator(failure());
  }

  /** A connection that is made for Responses alone is asked in their words. */
  speaks(protocol: WireProtocol, connection: Connection): boolean {
    const { api } = openAiOptions(connection, this.kind);
    return isForwarded(protocol) && !(protocol === 'openai-chat' && api === 'responses');
  }

  async *forward(request: ForwardRequest, call: CallContext): AsyncGenerator<ForwardEvent, void, undefined> {
    const { protocol, model } = request;
    if (!isForwarded(protocol)) throw invalid(this.kind, 'protocol');
    const { operation, body, answer } = toOutgoing(request, protocol, this.kind);
    const response = await this.attempt(call, () => this.client(call).forward(operation, model, body, call));
    const requestId = requestIdOf(toHeaders(response.headers));
    const forwarded = new ForwardedAnswer(response, requestId);
    try {
      yield* forwarded.events(answer);
    } catch (error) {
      call.signal.throwIfAborted();
      const context = this.failureContext(forwarded.outputBegan, requestId);
      throw toProviderError(error, { ...context, isForwarded: true });
    }
  }

  embed({ model, inputs, dimensions }: EmbedRequest, call: CallContext): Promise<EmbedResult> {
    return this.attempt(call, async () => {
      // Plain numbers, because not every compatible server knows the more compact base64.
      const body = present({ model, input: inputs, encoding_format: 'float', dimensions });
      const response = await this.client(call).embed(body, call);
      return toEmbedResult(JsonObject.from(response, 'embeddings'), inputs.length);
    });
  }

  retain(isKept: (connectionId: string) => boolean): void {
    this.clients.retain(isKept);
  }

  close(): Promise<void> {
    return this.clients.clear();
  }

  private async models(call: CallContext): Promise<JsonObject> {
    return JsonObject.from(await this.client(call).models(call), 'models');
  }

  private client({ connection }: CallContext): OpenAiClient {
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
