import { loadRequests, ofLength } from './load/requests.js';
import { loadStreams, type StreamLoad } from './load/streams.js';
import type { Options } from './options.js';
import {
  readFigures,
  streamFigures,
  type Figures,
  type ReadColumn,
  type Runs,
  type StreamColumn,
} from './report/figures.js';
import type { ReadName, Target, TargetName } from './servers/target.js';

/** What the paced upstream says in each chunk (bench/upstream/paced-upstream.ts). */
const word = 'word ';
/** Enough for V8 to have compiled what is hot. */
const warmUpStreams = 32;

export interface Comparison {
  readonly streams: ReadonlyMap<number, Runs<StreamColumn>>;
  readonly reads: ReadonlyMap<ReadName, Runs<ReadColumn>>;
  /** Every distinct failure, by server. */
  readonly failures: ReadonlySet<string>;
}

export function streamLoad(streams: number, { chunks }: Options): StreamLoad {
  return { streams, chunks, text: word.repeat(chunks) };
}

/** Runs every scenario on every server, one after the other, and all of that again for each repeat. */
export class Comparer {
  private readonly failures = new Set<string>();

  constructor(
    private readonly targets: readonly Target[],
    private readonly options: Options,
    private readonly bytes: Readonly<Record<ReadName, number>>,
  ) {}

  async compare(progress: (what: string) => void): Promise<Comparison> {
    progress('warming up');
    await this.warmUp();
    const streams = new Map(this.options.streams.map((count) => [count, this.noRuns<StreamColumn>()]));
    const reads = new Map(readNamesOf(this.bytes).map((name) => [name, this.noRuns<ReadColumn>()]));
    for (let repeat = 0; repeat < this.options.repeats; repeat++) {
      for (const target of this.inTurn(repeat)) {
        progress(`repeat ${repeat + 1} of ${this.options.repeats}: ${target.name}`);
        for (const [count, runs] of streams) runs.get(target.name)?.push(await this.streams(target, count));
        for (const [name, runs] of reads) runs.get(target.name)?.push(await this.read(target, name));
      }
    }
    return { streams, reads, failures: this.failures };
  }

  private noRuns<Column extends string>(): Map<TargetName, Figures<Column>[]> {
    return new Map(this.targets.map(({ name }) => [name, []]));
  }

  /** Another server begins in each repeat. */
  private inTurn(repeat: number): Target[] {
    const first = repeat % this.targets.length;
    return [...this.targets.slice(first), ...this.targets.slice(0, first)];
  }

  private async warmUp(): Promise<void> {
    for (const target of this.targets) {
      await this.streams(target, warmUpStreams);
      for (const name of readNamesOf(this.bytes)) await this.read(target, name);
    }
  }

  private async streams(target: Target, count: number): Promise<Figures<StreamColumn>> {
    const result = await loadStreams(target, streamLoad(count, this.options));
    this.note(target, result.failures);
    return streamFigures(result);
  }

  private async read(target: Target, name: ReadName): Promise<Figures<ReadColumn>> {
    const result = await loadRequests(target, {
      request: target.read(name),
      concurrency: this.options.concurrency,
      durationMs: this.options.durationMs,
      wrongIn: ofLength(this.bytes[name]),
    });
    this.note(target, result.failures);
    return readFigures(result);
  }

  private note({ name }: Target, failures: readonly string[]): void {
    for (const failure of failures) this.failures.add(`${name}: ${failure}`);
  }
}

function readNamesOf(bytes: Readonly<Record<ReadName, number>>): ReadName[] {
  return Object.keys(bytes) as ReadName[]; // Its own keys.
}
