import { Agent, type IncomingMessage } from 'node:http';
import type { Usage } from '../servers/agent-messages.js';
import type { StreamRequest, Target } from '../servers/target.js';
import type { LockstepUpstream } from '../upstream/lockstep-upstream.js';
import { word } from '../upstream/paced-upstream.js';
import { between, moment, type Consumption } from './consumption.js';
import { open } from './streams.js';

/** How long all streams may take to open, or to end. */
const patienceMs = 90_000;

/** What a server did while it moved chunks as fast as it could. */
export interface Window extends Consumption {
  readonly chunks: number;
  readonly loopDelayMs: Usage['loopDelayMs'];
  /** Share of the time in which the load generator was busy: near 1, it is what was measured. */
  readonly generatorBusy: number;
}

/**
 * Streams of one server that are all open at once, and held: nothing is said in them but in a window. In a window each stream is sent
 * its next chunk when its reader has read the one before, so that the server always has as many chunks before it as there are streams.
 */
export class LockstepStreams {
  private readonly failures: string[] = [];
  private readonly agent = new Agent({ keepAlive: true });
  private readonly streams: Stream[] = [];
  private chunks = 0;
  /** What is done when a chunk has been read. */
  private mode: 'hold' | 'run' | 'finish' = 'hold';

  private constructor(
    private readonly target: Target,
    private readonly upstream: LockstepUpstream,
  ) {}

  /** Opens them all at once, and returns when each has read its first chunk. */
  static async open(
    target: Target,
    count: number,
    upstream: LockstepUpstream,
  ): Promise<{ readonly streams: LockstepStreams; readonly openingMs: number }> {
    const keyOf = (index: number): string => `${target.name}: say something, as number ${index} of ${count}`;
    const requests = await target.prepareStreams(count, keyOf);
    const opened = new LockstepStreams(target, upstream);
    const startedAt = performance.now();
    await expectSoon(
      'streams to open',
      requests.map((request, index) => opened.add(keyOf(index), request)),
    );
    return { streams: opened, openingMs: performance.now() - startedAt };
  }

  get chunksRead(): number {
    return this.chunks;
  }

  /** Moves chunks for `warmUpMs`, which do not count, and then for `durationMs`, which do. */
  async run({
    warmUpMs,
    durationMs,
  }: {
    readonly warmUpMs: number;
    readonly durationMs: number;
  }): Promise<Window> {
    this.mode = 'run';
    for (const stream of this.streams) if (stream.isHeld) this.goOn(stream);
    await delay(warmUpMs);
    await this.target.server.watchLoop();
    const start = await moment(this.target);
    const before = { chunks: this.chunks, loop: performance.eventLoopUtilization() };
    await delay(durationMs);
    const { loopDelayMs } = await this.target.server.usage();
    const { chunks } = this;
    const generatorBusy = performance.eventLoopUtilization(before.loop).utilization;
    const end = await moment(this.target);
    this.mode = 'hold';
    await until('streams to be held', () => this.streams.every(({ isHeld, isOver }) => isHeld || isOver));
    return { ...between(start, end), chunks: chunks - before.chunks, loopDelayMs, generatorBusy };
  }

  /** Ends all answers as they should end. @returns what was wrong in any stream */
  async finish(): Promise<readonly string[]> {
    this.mode = 'finish';
    for (const stream of this.streams) if (stream.isHeld) this.goOn(stream);
    await expectSoon(
      'streams to end',
      this.streams.map(({ over }) => over.promise),
    );
    this.agent.destroy();
    return this.failures;
  }

  /** Resolves with the first chunk, or when it fails, which is noted. */
  private async add(key: string, request: StreamRequest): Promise<void> {
    const stream = new Stream(key);
    this.streams.push(stream);
    open(request, this.agent).then(
      (response) => this.read(stream, response),
      (error: unknown) => this.end(stream, String(error)),
    );
    await Promise.race([stream.begun.promise, stream.over.promise]);
  }

  private read(stream: Stream, response: IncomingMessage): void {
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (arrived: string) => {
      const events = (rest + arrived).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) this.take(stream, event);
    });
    response.on('error', (error) => this.end(stream, error.message));
    response.on('end', () => this.end(stream, stream.isComplete ? undefined : 'the stream broke off'));
  }

  private take(stream: Stream, event: string): void {
    const piece = this.target.readEvent(event);
    if (piece.type === 'failure') this.end(stream, piece.reason);
    if (piece.type === 'end') stream.isComplete = true;
    if (piece.type !== 'text') return;
    if (piece.text !== word) this.end(stream, `read ${JSON.stringify(piece.text)}`);
    this.chunks++;
    stream.chunks++;
    stream.begun.resolve(undefined);
    stream.isHeld = true;
    if (this.mode !== 'hold') this.goOn(stream);
  }

  private goOn(stream: Stream): void {
    stream.isHeld = false;
    if (this.mode === 'run') this.upstream.next(stream.key);
    else {
      const sent = this.upstream.finish(stream.key);
      if (sent !== stream.chunks) this.end(stream, `read ${stream.chunks} chunks of ${sent}`);
    }
  }

  private end(stream: Stream, failure: string | undefined): void {
    if (stream.isOver) return;
    stream.isOver = true;
    if (failure !== undefined) this.failures.push(failure);
    stream.over.resolve(undefined);
  }
}

class Stream {
  readonly begun = Promise.withResolvers<undefined>();
  readonly over = Promise.withResolvers<undefined>();
  chunks = 0;
  /** Has read everything that was sent, and waits to be sent more. */
  isHeld = false;
  isComplete = false;
  isOver = false;

  constructor(readonly key: string) {}
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}`);
    await delay(5);
  }
}

async function expectSoon(what: string, all: readonly Promise<unknown>[]): Promise<void> {
  let isDone = false;
  void Promise.all(all).then(() => (isDone = true));
  await until(what, () => isDone);
}
