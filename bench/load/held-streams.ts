import { Agent, request, type IncomingMessage } from 'node:http';
import type { ChatTarget } from '../servers/chat-target.js';
import { holdWord, word, type CutOff } from '../upstream/paced-upstream.js';
import { between, moment, type Consumption } from './consumption.js';
import { open } from './streams.js';

/** Who has not closed its connection to the upstream by then will not. */
const patienceMs = 1000;

/** What a server moved between two moments while all of its streams were open. */
export interface HeldWindow extends Consumption {
  readonly chunks: number;
  /** How many chunks of the upstream the server sent as one of HTTP: above 1, it was behind, and passed on together what had come. */
  readonly chunksPerPiece: number;
}

/** Streams that begin and are then held by the upstream, until they are told to go on, without end. */
export class HeldStreams {
  readonly firstByteMs: number[] = [];
  readonly failures: string[] = [];
  private readonly agent = new Agent({ keepAlive: true });
  private readonly responses: IncomingMessage[] = [];
  private chunks = 0;
  private pieces = 0;
  private isClosing = false;

  private constructor(private readonly target: ChatTarget) {}

  /** Opens them all in the same moment, and returns when each has its first chunk. */
  static async open(target: ChatTarget, count: number): Promise<HeldStreams> {
    const opened = new HeldStreams(target);
    await Promise.all(Array.from({ length: count }, () => opened.add()));
    return opened;
  }

  async window(durationMs: number): Promise<HeldWindow> {
    const start = await moment(this.target);
    const before = { chunks: this.chunks, pieces: this.pieces };
    await delay(durationMs);
    const [chunks, pieces] = [this.chunks - before.chunks, this.pieces - before.pieces];
    return { ...between(start, await moment(this.target)), chunks, chunksPerPiece: chunks / pieces };
  }

  /** Closes the connections. */
  close(): void {
    this.isClosing = true;
    for (const response of this.responses) response.destroy();
    this.agent.destroy();
  }

  private async add(): Promise<void> {
    const startedAt = performance.now();
    try {
      const response = await open(this.target.completion(holdWord, true), this.agent);
      this.responses.push(response);
      await this.firstChunk(response, startedAt);
    } catch (error) {
      this.failures.push(error instanceof Error ? error.message : String(error));
    }
  }

  /** Resolves with it; reads on and on. */
  private firstChunk(response: IncomingMessage, startedAt: number): Promise<void> {
    let rest = '';
    let isFirst = true;
    response.setEncoding('utf8');
    return new Promise((resolve, reject) => {
      response.on('data', (arrived: string) => {
        if (isFirst) this.firstByteMs.push(performance.now() - startedAt);
        isFirst = false;
        const events = (rest + arrived).split('\n\n');
        rest = events.pop() ?? '';
        if (events.length > 0) this.pieces++;
        if (this.take(events)) resolve();
      });
      response.on('error', reject);
      response.on('close', () => {
        if (!this.isClosing) this.failures.push('the stream broke off');
        reject(new Error('the stream broke off before its first chunk'));
      });
    });
  }

  /** @returns whether there was text */
  private take(events: readonly string[]): boolean {
    let texts = 0;
    for (const event of events) {
      const piece = this.target.readEvent(event);
      if (piece.type === 'text' && piece.text === word) texts++;
      else if (piece.type !== 'other') this.failures.push(`read ${event}`);
    }
    this.chunks += texts;
    return texts > 0;
  }
}

/** The upstream of `HeldStreams`, from outside. */
export class HoldingUpstream {
  constructor(private readonly baseUrl: string) {}

  /** All streams that are held go on. */
  async goOn(): Promise<void> {
    await this.ask('POST', '/go-on');
  }

  async cutOff(): Promise<CutOff> {
    return JSON.parse(await this.ask('GET', '/cut-off')) as CutOff; // The upstream is ours.
  }

  /**
   * Waits until so many streams have been cut off in all, for 1 s.
   * @returns undefined when they were not, and cuts the others off itself
   */
  async untilCutOff(count: number): Promise<CutOff | undefined> {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      const cutOff = await this.cutOff();
      if (cutOff.count >= count) return cutOff;
      if (performance.now() > giveUpAt) {
        await this.ask('POST', '/let-go');
        return undefined;
      }
      await delay(2);
    }
  }

  private ask(method: string, path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.baseUrl}${path}`, { method }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (body += piece));
        response.on('end', () => resolve(body));
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
