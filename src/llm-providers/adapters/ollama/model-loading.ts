import type { LoadProgress } from '../../contract/model-info.js';
import type { CallContext } from '../../contract/model-provider.js';
import { ProviderError } from '../../contract/provider-error.js';
import type { JsonObject } from '../../json-shape.js';
import { ollamaOptions } from './connection-options.js';
import type { OllamaClient, OllamaExchange, OllamaRequest } from './ollama-client.js';
import { PullDecoder } from './pull-decoder.js';

/**
 * A server says nothing while it reads a model from disk, nor while it verifies what it downloaded. It gives up by itself when loading
 * does not get on for five minutes: OLLAMA_LOAD_TIMEOUT, https://github.com/ollama/ollama/blob/main/envconfig/config.go.
 */
const patienceMs = 10 * 60_000;

/** Licence, template and the facts of the file, for each of many models. */
const maxDetailsBytes = 2 * 1024 * 1024;

/**
 * Loads a model, and downloads it first when it is not there and the connection allows that.
 * https://docs.ollama.com/faq#how-can-i-preload-a-model-into-ollama-to-get-faster-response-times
 * @throws ProviderError
 */
export async function* loadModel(
  model: string,
  client: OllamaClient,
  call: CallContext,
): AsyncGenerator<LoadProgress, void, undefined> {
  yield { state: 'loading' };
  if (ollamaOptions(call.connection).pull && !(await isThere(model, client, call))) {
    yield* client.stream(() => pullExchange(model), call);
  }
  const onlyEmbeds = await client.ask(showRequest(model), call, isOnlyForEmbedding);
  const request = onlyEmbeds ? emptyEmbedding(model, call) : emptyPrompt(model, call);
  const doneReason = await client.ask(request, call, (answer) => answer.text('done_reason'));
  // A server whose OLLAMA_KEEP_ALIVE is 0 unloads it again at once.
  yield { state: doneReason === 'unload' ? 'not_loaded' : 'loaded' };
}

/** https://docs.ollama.com/faq#how-do-i-keep-a-model-loaded-in-memory-or-make-it-unload-immediately */
export function unloadRequest(model: string): OllamaRequest {
  return { path: '/api/generate', body: { model, keep_alive: 0, stream: false } };
}

/** https://docs.ollama.com/api-reference/show-model-details */
export function showRequest(model: string): OllamaRequest {
  return { path: '/api/show', body: { model }, maxBytes: maxDetailsBytes };
}

async function isThere(model: string, client: OllamaClient, call: CallContext): Promise<boolean> {
  try {
    return await client.ask(showRequest(model), call, () => true);
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'not_found') return false;
    throw error;
  }
}

/** Such models refuse to generate. */
function isOnlyForEmbedding(shown: JsonObject): boolean {
  const capabilities = shown.value('capabilities');
  return (
    Array.isArray(capabilities) && capabilities.includes('embedding') && !capabilities.includes('completion')
  );
}

/** https://docs.ollama.com/api/generate, Load model */
function emptyPrompt(model: string, call: CallContext): OllamaRequest {
  return { path: '/api/generate', body: { ...loadFields(model, call), stream: false }, patienceMs };
}

function emptyEmbedding(model: string, call: CallContext): OllamaRequest {
  return { path: '/api/embed', body: { ...loadFields(model, call), input: [] }, patienceMs };
}

/**
 * With the context of the requests to come: for another one the server would load the model again. A model that is not to stay after a
 * request stays for the server's default of five minutes after this one, which is for nothing but loading.
 */
function loadFields(model: string, { connection }: CallContext): object {
  const { keep_alive, num_ctx } = ollamaOptions(connection);
  return {
    model,
    keep_alive: isNoTime(keep_alive) ? undefined : keep_alive,
    options: num_ctx === undefined ? undefined : { num_ctx },
  };
}

/** Seconds, or a duration in the words of Go. */
function isNoTime(keepAlive: unknown): boolean {
  return keepAlive === 0 || (typeof keepAlive === 'string' && /^0[a-zµ]*$/.test(keepAlive));
}

function pullExchange(model: string): OllamaExchange<LoadProgress> {
  return {
    request: { path: '/api/pull', body: { model, stream: true }, patienceMs },
    makeDecoder: () => new PullDecoder(),
  };
}
