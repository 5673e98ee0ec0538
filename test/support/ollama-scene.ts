import { json, type Script, stream, type StreamOptions } from '../../bench/upstream/scripts.js';
import type { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import { SystemClock } from '../../src/common/clock.js';
import { OllamaProvider } from '../../src/llm-providers/adapters/ollama/ollama.provider.js';
import type { GenerateRequest } from '../../src/llm-providers/contract/generate-request.js';
import { localOutbound } from './local-outbound.js';
import { ProviderScene, scriptedConnection } from './provider-scene.js';
import { Recordings } from './recordings.js';

export const recordings = new Recordings('ollama');

export const request: GenerateRequest = {
  model: 'gemma4',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

/** A stream of these lines. */
export function lines(text: string, options: StreamOptions = {}): Script {
  return stream([text], { headers: { 'content-type': 'application/x-ndjson; charset=utf-8' }, ...options });
}

export const anAnswer = lines(recordings.text('text.ndjson'));
export const notFound = json({ error: "model 'gemma4' not found" }, { status: 404 });

/** Answers /api/show by the model that is asked for. */
export const show: Script = (exchange) => {
  const shown = recordings.json('show.json') as Readonly<Record<string, unknown>>; // It is by model.
  const { model } = JSON.parse(exchange.request.body) as { model: string }; // Our own request.
  return json(shown[model.includes(':') ? model : `${model}:latest`])(exchange);
};

export function ollamaScene(): ProviderScene<OllamaProvider> {
  return new ProviderScene({
    makeProvider: () => new OllamaProvider(new SystemClock(), localOutbound),
    connection: (upstreamUrl) => scriptedConnection('ollama', upstreamUrl),
    request,
  }).register();
}

/** Every request so far: method and path, and its body. */
export function sentTo({ requests }: ScriptedUpstream): readonly (readonly [string, unknown])[] {
  return requests.map(({ method, path, body }) => [
    `${method} ${path}`,
    body === '' ? undefined : (JSON.parse(body) as unknown),
  ]);
}
