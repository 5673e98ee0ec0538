import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import { collect, type GenerateResult } from '../../src/llm-providers/contract/collect.js';
import type { Connection } from '../../src/llm-providers/contract/connection.js';
import type { GenerateRequest } from '../../src/llm-providers/contract/generate-request.js';
import type { CallContext, ModelProvider } from '../../src/llm-providers/contract/model-provider.js';

export interface ProviderSceneOptions<Provider extends ModelProvider> {
  makeProvider(): Provider;
  connection(upstreamUrl: string): Connection;
  /** What is asked when a test does not say otherwise. */
  readonly request: GenerateRequest;
  /** Ours. */
  readonly requestId?: string;
}

/** A connection of this kind, with time enough for everything that is no test of time. */
export function scriptedConnection(
  kind: Connection['kind'],
  baseUrl: string,
  credential?: string,
): Connection {
  const timeouts = { connectMs: 2000, headersMs: 10_000, idleMs: 10_000 };
  return { id: 'connection', version: 1, kind, name: 'Scripted', baseUrl, credential, timeouts };
}

/** One adapter before a scripted upstream: both as new in each test, and every request has its script. */
export class ProviderScene<Provider extends ModelProvider = ModelProvider> {
  provider!: Provider;
  /** Of every call; aborts when the test is over. */
  abort!: AbortController;
  private server!: ScriptedUpstream;

  constructor(private readonly options: ProviderSceneOptions<Provider>) {}

  /** For the tests of the block, or file, that this is called in. */
  register(): this {
    beforeAll(async () => {
      this.server = await ScriptedUpstream.start();
    });
    beforeEach(() => {
      this.server.reset();
      this.abort = new AbortController();
      this.provider = this.options.makeProvider();
    });
    afterEach(async () => {
      this.abort.abort();
      await this.provider.close?.();
      expect(this.server.surprises).toEqual([]);
    });
    afterAll(() => this.server.stop());
    return this;
  }

  get upstream(): ScriptedUpstream {
    return this.server;
  }

  /** @param fields in which the connection differs */
  call(fields: Partial<Connection> = {}): CallContext {
    const connection = { ...this.options.connection(this.server.url), ...fields };
    return { connection, signal: this.abort.signal, requestId: this.options.requestId ?? 'req-test' };
  }

  /** A call to where nothing listens. */
  callNobody(): CallContext {
    return this.call({ id: 'nobody', baseUrl: 'http://127.0.0.1:1' });
  }

  /** A whole answer. @param fields in which the request differs */
  answered(fields: Partial<GenerateRequest> = {}, call = this.call()): Promise<GenerateResult> {
    return collect(this.provider.stream({ ...this.options.request, ...fields }, call));
  }

  /** The body of a request. @param index negative counts from the last */
  sent(index: number): unknown {
    return JSON.parse(this.upstream.requests.at(index)?.body ?? '');
  }
}
