import type { Clock } from '../../../common/clock.js';
import { inParallel } from '../../../common/in-parallel.js';
import type { Outbound } from '../../../infrastructure/outbound/outbound.js';
import { ConnectionCache } from '../../connection-cache.js';
import type { Connection } from '../../contract/connection.js';
import type { EmbedRequest, EmbedResult } from '../../contract/embed.js';
import type { GenerateEvent } from '../../contract/generate-event.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { LoadProgress, ModelInfo, ModelStatus } from '../../contract/model-info.js';
import type { CallContext, ModelProvider } from '../../contract/model-provider.js';
import { ProviderError } from '../../contract/provider-error.js';
import { listedModels } from '../../listed-models.js';
import { ChatDecoder } from './chat-decoder.js';
import { toChatBody } from './chat-request.js';
import { ollamaOptionRules, ollamaOptions } from './connection-options.js';
import { toEmbedResult } from './embed-response.js';
import { loadModel, showRequest, unloadRequest } from './model-loading.js';
import { isDown, runningStatus, storedStatus } from './model-status.js';
import { OllamaClient, type OllamaExchange } from './ollama-client.js';
import { describeModel, detailedModel, listedModel } from './ollama-models.js';

const tagsRequest = { path: '/api/tags' };
const runningRequest = { path: '/api/ps' };

/** The server reads the head of a file for each. */
const detailsAtOnce = 4;

/** Ollama in its own words, which can say more than its OpenAI-compatible ones: https://docs.ollama.com/api/introduction */
export class OllamaProvider implements ModelProvider {
  readonly kind = 'ollama';
  readonly connectionOptions = ollamaOptionRules;
  private readonly clients = new ConnectionCache(
    (connection) => new OllamaClient(connection, this.outbound, this.clock),
    (client) => client.close(),
  );

  constructor(
    private readonly clock: Clock,
    private readonly outbound: Outbound,
  ) {}

  async verify(call: CallContext): Promise<void> {
    await this.listed(call);
  }

  /** The models that the server has, for chatting and embedding. */
  async listModels(call: CallContext): Promise<readonly ModelInfo[]> {
    const listed = await this.listed(call);
    const models = await inParallel(listed, detailsAtOnce, (model) => this.detailed(model, call));
    return models
      .filter((model) => model !== undefined)
      .filter(({ capabilities }) => capabilities.length > 0);
  }

  describeModel(model: string): ModelInfo {
    return describeModel(model);
  }

  stream(request: GenerateRequest, call: CallContext): AsyncGenerator<GenerateEvent, void, undefined> {
    return this.client(call).stream(() => chatExchange(request, call), call);
  }

  check(request: GenerateRequest, connection: Connection): void {
    toChatBody(request, ollamaOptions(connection));
  }

  /** https://docs.ollama.com/api/embed */
  async embed({ model, inputs, dimensions }: EmbedRequest, call: CallContext): Promise<EmbedResult> {
    const { num_ctx, keep_alive, truncate } = ollamaOptions(call.connection);
    const options = num_ctx === undefined ? undefined : { num_ctx };
    const body = { model, input: inputs, dimensions, truncate, options, keep_alive };
    const request = { path: '/api/embed', body };
    return this.client(call).ask(request, call, (response) => toEmbedResult(response, inputs.length));
  }

  async status(models: readonly string[], call: CallContext): Promise<readonly ModelStatus[]> {
    const client = this.client(call);
    try {
      const running = await client.ask(runningRequest, call, (answer) =>
        models.map((model) => runningStatus(model, answer)),
      );
      const found = running.filter((status) => status !== undefined);
      if (found.length === models.length) return found;
      return await client.ask(tagsRequest, call, (answer) =>
        models.map((model, index) => running[index] ?? storedStatus(model, answer)),
      );
    } catch (error) {
      if (isDown(error)) return models.map(() => ({ state: 'unavailable' }));
      throw error;
    }
  }

  /** Downloads a model that is not there only when the connection's option `pull` is true. */
  load(model: string, call: CallContext): AsyncGenerator<LoadProgress, void, undefined> {
    return loadModel(model, this.client(call), call);
  }

  async unload(model: string, call: CallContext): Promise<void> {
    await this.client(call).ask(unloadRequest(model), call, () => undefined);
  }

  retain(isKept: (connectionId: string) => boolean): void {
    this.clients.retain(isKept);
  }

  close(): Promise<void> {
    return this.clients.clear();
  }

  private client({ connection }: CallContext): OllamaClient {
    return this.clients.get(connection);
  }

  private listed(call: CallContext): Promise<readonly ModelInfo[]> {
    return this.client(call).ask(tagsRequest, call, (answer) =>
      listedModels(answer.requiredList('models'), listedModel),
    );
  }

  /** Undefined when the model has gone meanwhile. One whose details the server refuses, or garbles, does not hide the others. */
  private async detailed(listed: ModelInfo, call: CallContext): Promise<ModelInfo | undefined> {
    const { num_ctx } = ollamaOptions(call.connection);
    try {
      return await this.client(call).ask(showRequest(listed.id), call, (shown) =>
        detailedModel(listed, shown, num_ctx),
      );
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.status === undefined && error.code !== 'invalid_response') throw error;
      return error.code === 'not_found' ? undefined : listed;
    }
  }
}

function chatExchange(
  request: GenerateRequest,
  { connection, requestId }: CallContext,
): OllamaExchange<GenerateEvent> {
  const callIdSeed = `${requestId}:${request.messages.length}`;
  return {
    request: { path: '/api/chat', body: toChatBody(request, ollamaOptions(connection)) },
    makeDecoder: (vendorsId) => new ChatDecoder({ requestId: vendorsId, callIdSeed }),
  };
}
