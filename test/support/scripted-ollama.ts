import { json, type Script } from '../../bench/upstream/scripts.js';
import { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';

/** An Ollama server that has models and keeps some of them in memory, over real HTTP. */
export class ScriptedOllama {
  /** What it has. */
  readonly stored = new Set<string>();
  /** What is in its memory. */
  readonly loaded = new Set<string>();
  private readonly nextLoads = new Map<string, Script[]>();
  /** Every request is answered by this, when there is one. */
  everything: Script | undefined;

  private constructor(readonly upstream: ScriptedUpstream) {
    const route = (method: string, path: string, script: Script): void =>
      upstream.route(method, path, (exchange) => (this.everything ?? script)(exchange));
    route('GET', '/api/ps', (exchange) => json({ models: [...this.loaded].map(inMemory) })(exchange));
    route('GET', '/api/tags', (exchange) =>
      json({ models: [...this.stored].map((name) => ({ name })) })(exchange),
    );
    route('POST', '/api/show', (exchange) =>
      this.stored.has(modelOf(exchange.request.body))
        ? json({ capabilities: ['completion'] })(exchange)
        : json({ error: 'not found' }, { status: 404 })(exchange),
    );
    route('POST', '/api/generate', (exchange) =>
      (this.nextLoads.get(modelOf(exchange.request.body))?.shift() ?? this.loads)(exchange),
    );
    route('POST', '/api/chat', (exchange) => chats(exchange));
  }

  static async start(): Promise<ScriptedOllama> {
    return new ScriptedOllama(await ScriptedUpstream.start());
  }

  get url(): string {
    return this.upstream.url;
  }

  /** The next loads of the model do this instead of loading it. */
  nextLoadsOf(model: string, ...scripts: Script[]): void {
    this.nextLoads.set(model, scripts);
  }

  /** Puts the model into memory. */
  readonly loads: Script = (exchange) => {
    this.loaded.add(modelOf(exchange.request.body));
    return json({ done: true, done_reason: 'load' })(exchange);
  };

  /** How often it was asked for something, such as `/api/generate`. */
  asked(path: string, model?: string): number {
    return this.upstream.requests.filter(
      (request) => request.path === path && (model === undefined || modelOf(request.body) === model),
    ).length;
  }

  async stop(): Promise<void> {
    await this.upstream.stop();
  }
}

function modelOf(body: string): string {
  return (JSON.parse(body) as { model: string }).model;
}

function inMemory(name: string): object {
  return { name, size: 6_591_830_464, expires_at: '2036-11-12T16:47:07Z' };
}

const chats: Script = async (exchange) => {
  exchange.head(200, { 'content-type': 'application/x-ndjson' });
  const message = { role: 'assistant', content: 'Hello' };
  await exchange.write(
    `${JSON.stringify({ model: modelOf(exchange.request.body), message, done: false })}\n`,
  );
  await exchange.write(
    `${JSON.stringify({ done: true, done_reason: 'stop', prompt_eval_count: 1, eval_count: 1 })}\n`,
  );
  exchange.end();
};
