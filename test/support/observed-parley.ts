import { Test } from '@nestjs/testing';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { parseSetCookie } from 'cookie';
import { AppModule } from '../../src/app.module.js';
import type { BootConfiguration, EmbeddedValues } from '../../src/config/registry.js';
import { configureApp } from '../../src/configure-app.js';
import { SystemClock } from '../../src/common/clock.js';
import { ParleyAdapter } from '../../src/infrastructure/http/parley-adapter.js';
import { Log, NestLog } from '../../src/infrastructure/logging/log.js';
import type { Canaries } from './canaries.js';
import { Parley } from './parley.js';

/** One thing that left Parley, and what it is. */
interface Utterance {
  /** Such as `POST /api/login 401 body`. */
  readonly where: string;
  readonly text: string;
}

/** A whole Parley of which every word is kept: log lines, what it prints, answers, and what it tells its providers. */
export class ObservedParley {
  readonly lines: string[] = [];
  readonly answers: Utterance[] = [];
  private readonly undo: (() => void)[] = [];
  private home = '';
  private issuer = '';

  private constructor(private readonly canaries: Canaries) {}

  static async start(
    canaries: Canaries,
    settings: EmbeddedValues,
  ): Promise<{ parley: Parley; observed: ObservedParley }> {
    const observed = new ObservedParley(canaries);
    observed.listenToStreams();
    const parley = await Parley.start({ ...settings, 'log.level': 'trace', 'log.format': 'json' }, (config) =>
      observed.create(config),
    );
    observed.home = parley.first.url;
    observed.issuer = parley.identity.issuer;
    observed.listenToFetch();
    return { parley, observed };
  }

  /** Puts everything back. */
  stop(): void {
    for (const step of this.undo.toReversed()) step();
  }

  /** Keeps an answer that did not come by fetch. */
  keep(where: string, text: string): void {
    this.answers.push({ where, text });
  }

  private async create(config: BootConfiguration): Promise<NestExpressApplication> {
    const log = new Log(config, { write: (line) => this.lines.push(line) });
    const testing = await Test.createTestingModule({ imports: [AppModule.with(config)] })
      .overrideProvider(Log)
      .useValue(log)
      .compile();
    const app = testing.createNestApplication<NestExpressApplication>(new ParleyAdapter(new SystemClock()), {
      bodyParser: false,
      forceCloseConnections: true,
      logger: new NestLog(log),
    });
    configureApp(app);
    return app;
  }

  private listenToStreams(): void {
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream);
      stream.write = (chunk: string | Uint8Array, ...rest: never[]): boolean => {
        this.lines.push(String(chunk));
        return write(chunk, ...rest);
      };
      this.undo.push(() => (stream.write = write));
    }
  }

  private listenToFetch(): void {
    const real = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      if (url.origin === this.issuer) this.learnFromRequest(init?.body);
      const response = await real(input, init);
      if (url.origin === this.issuer) await this.learnFromProvider(response.clone());
      if (url.origin === new URL(this.home).origin)
        await this.hear(init?.method ?? 'GET', url, response.clone());
      return response;
    };
    this.undo.push(() => (globalThis.fetch = real));
  }

  /** Whatever the provider is told and tells is a secret: codes, verifiers, tokens. */
  private learnFromRequest(body: unknown): void {
    if (!(body instanceof URLSearchParams)) return;
    for (const name of ['code', 'code_verifier', 'refresh_token', 'client_secret']) {
      this.canaries.add(`provider ${name}`, body.get(name) ?? '');
    }
  }

  private async learnFromProvider(response: Response): Promise<void> {
    const answer: unknown = await response.json().catch(() => undefined);
    if (typeof answer !== 'object' || answer === null) return;
    for (const [name, value] of Object.entries(answer)) {
      if (name.endsWith('_token') && typeof value === 'string') this.canaries.add(`provider ${name}`, value);
    }
  }

  private async hear(method: string, url: URL, response: Response): Promise<void> {
    const where = `${method} ${url.pathname} ${response.status}`;
    for (const line of response.headers.getSetCookie()) {
      const { name, value = '' } = parseSetCookie(line);
      this.canaries.add(`cookie ${name}`, value);
      this.keep(`${where} set-cookie ${name}`, line);
    }
    for (const [name, value] of response.headers) {
      if (name !== 'set-cookie') this.keep(`${where} ${name}`, value);
    }
    this.keep(`${where} body`, await response.text());
  }
}
