import { loadRequests, type RequestLoad } from './load/requests.js';
import { loadStreams, type StreamLoad } from './load/streams.js';
import type { Options } from './options.js';
import {
  listFigures,
  streamFigures,
  type Figures,
  type ListColumn,
  type Runs,
  type StreamColumn,
} from './report/figures.js';
import type { ListName, Target, TargetName } from './servers/target.js';

/** What the paced upstream says in each chunk (bench/upstream/paced-upstream.ts). */
const word = 'word ';
/** Enough for V8 to have compiled what is hot. */
const warmUpStreams = 32;

export interface Comparison {
  readonly streams: ReadonlyMap<number, Runs<StreamColumn>>;
  readonly lists: ReadonlyMap<ListName, Runs<ListColumn>>;
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
    private readonly bytes: Readonly<Record<ListName, number>>,
  ) {}

  async compare(progress: (what: string) => void): Promise<Comparison> {
    progress('warming up');
    await this.warmUp();
    const streams = new Map(this.options.streams.map((count) => [count, this.noRuns<StreamColumn>()]));
    const lists = new Map(listNamesOf(this.bytes).map((list) => [list, this.noRuns<ListColumn>()]));
    for (let repeat = 0; repeat < this.options.repeats; repeat++) {
      for (const target of this.inTurn(repeat)) {
        progress(`repeat ${repeat + 1} of ${this.options.repeats}: ${target.name}`);
        for (const [count, runs] of streams) runs.get(target.name)?.push(await this.streams(target, count));
        for (const [list, runs] of lists) runs.get(target.name)?.push(await this.list(target, list));
      }
    }
    return { streams, lists, failures: this.failures };
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
      for (const list of listNamesOf(this.bytes)) await this.list(target, list);
    }
  }

  private async streams(target: Target, count: number): Promise<Figures<StreamColumn>> {
    const result = await loadStreams(target, streamLoad(count, this.options));
    this.note(target, result.failures);
    return streamFigures(result);
  }

  private async list(target: Target, list: ListName): Promise<Figures<ListColumn>> {
    const result = await loadRequests(target, this.requestLoad(list));
    this.note(target, result.failures);
    return listFigures(result);
  }

  private requestLoad(list: ListName): RequestLoad {
    const { concurrency, durationMs } = this.options;
    return { list, concurrency, durationMs, bytes: this.bytes[list] };
  }

  private note({ name }: Target, failures: readonly string[]): void {
    for (const failure of failures) this.failures.add(`${name}: ${failure}`);
  }
}

function listNamesOf(bytes: Readonly<Record<ListName, number>>): ListName[] {
  return Object.keys(bytes) as ListName[]; // Its own keys.
}
