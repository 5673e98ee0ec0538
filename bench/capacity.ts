// npm run bench -- --capacity: how many streams one process holds, what each takes, and how fast it is when they all talk at once.
import { LockstepStreams, type Window } from './load/lockstep.js';
import { untilQuiet } from './load/quiet.js';
import type { Options } from './options.js';
import { median } from './report/statistics.js';
import { markdown } from './report/tables.js';
import type { Usage } from './servers/agent-messages.js';
import type { Target } from './servers/target.js';
import type { Surroundings } from './surroundings.js';
import { LockstepUpstream } from './upstream/lockstep-upstream.js';

const contenders = ['bare Nest', 'Parley', 'Parley without journal'] as const;
type Contender = (typeof contenders)[number];

/** Enough for V8 to have compiled what is hot, and for memory to have grown as it would for anything. */
const warmUp = { streams: 100, durationMs: 2000 };
/** After another server had its turn, or the journal was switched. */
const settlingMs = 500;

/** What one server takes, in bytes, without garbage. */
interface Memory {
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

export interface Capacity {
  /** What a stream takes that has just begun to answer; and what one chunk that was told takes until its answer has ended. */
  readonly perStream: ReadonlyMap<Target['name'], Memory>;
  readonly perChunk: ReadonlyMap<Target['name'], Memory>;
  /** From the first request to the last first chunk, all opened in the same moment, ms. */
  readonly openingMs: ReadonlyMap<Target['name'], number>;
  /** The same place in two lists is the same round. */
  readonly windows: ReadonlyMap<Contender, readonly Window[]>;
  readonly failures: readonly string[];
}

/** Opens all streams on both servers, and lets them talk by turns: another first in each round, and Parley with journal and without. */
export async function measureCapacity(
  surroundings: Surroundings,
  options: Options,
  progress: (what: string) => void,
): Promise<Capacity> {
  await using upstream = await LockstepUpstream.start();
  progress('starting Parley and making threads');
  const parley = await surroundings.parley(upstream.baseUrl, options);
  const bareNest = await surroundings.bareNest(upstream.baseUrl, parley);
  const measured = new Measured(options, upstream, progress);
  await measured.add(bareNest);
  await measured.add(parley);
  const windows = new Map(contenders.map((name): [Contender, Window[]] => [name, []]));
  for (let round = 0; round < options.repeats; round++) {
    progress(`round ${round + 1} of ${options.repeats}`);
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length] ?? 'Parley';
      if (contender !== 'bare Nest') await parley.server.journal(contender === 'Parley');
      const target = contender === 'bare Nest' ? bareNest : parley;
      windows.get(contender)?.push(await measured.run(target));
    }
  }
  await parley.server.journal(true);
  return { ...(await measured.finish()), windows };
}

class Measured {
  private readonly open = new Map<Target, LockstepStreams>();
  private readonly emptied = new Map<Target, Memory>();
  private readonly opened = new Map<Target, Memory>();
  private readonly openingMs = new Map<Target['name'], number>();
  private readonly failures: string[] = [];

  constructor(
    private readonly options: Options,
    private readonly upstream: LockstepUpstream,
    private readonly progress: (what: string) => void,
  ) {}

  /** Warms it up, and opens its streams. */
  async add(target: Target): Promise<void> {
    const [count = 0] = this.options.streams;
    this.progress(`warming up ${target.name}`);
    const { streams: few } = await LockstepStreams.open(target, warmUp.streams, this.upstream);
    await few.run({ warmUpMs: 0, durationMs: warmUp.durationMs });
    this.note(target, await few.finish());
    await untilQuiet(target);
    this.emptied.set(target, memoryOf(await target.server.usageWithoutGarbage()));
    this.progress(`opening ${count} streams of ${target.name}`);
    const { streams, openingMs } = await LockstepStreams.open(target, count, this.upstream);
    await untilQuiet(target);
    this.openingMs.set(target.name, openingMs);
    this.opened.set(target, memoryOf(await target.server.usageWithoutGarbage()));
    this.open.set(target, streams);
  }

  run(target: Target): Promise<Window> {
    const streams = this.open.get(target);
    if (streams === undefined) throw new Error(`${target.name} has no streams`);
    return streams.run({ warmUpMs: settlingMs, durationMs: this.options.durationMs });
  }

  async finish(): Promise<Omit<Capacity, 'windows'>> {
    const [count = 0] = this.options.streams;
    const perStream = new Map<Target['name'], Memory>();
    const perChunk = new Map<Target['name'], Memory>();
    for (const [target, streams] of this.open) {
      const before = this.opened.get(target) ?? nothing;
      perStream.set(target.name, share(this.emptied.get(target) ?? nothing, before, count));
      const after = memoryOf(await target.server.usageWithoutGarbage());
      perChunk.set(target.name, share(before, after, streams.chunksRead - count));
      this.progress(`ending the streams of ${target.name}`);
      this.note(target, await streams.finish());
    }
    return { perStream, perChunk, openingMs: this.openingMs, failures: this.failures };
  }

  private note({ name }: Target, failures: readonly string[]): void {
    this.failures.push(...new Set(failures.map((failure) => `${name}: ${failure}`)));
  }
}

const nothing: Memory = { rss: 0, heap: 0, external: 0 };

function memoryOf({ rssBytes: rss, heapBytes: heap, externalBytes: external }: Usage): Memory {
  return { rss, heap, external };
}

function share(before: Memory, after: Memory, count: number): Memory {
  return {
    rss: (after.rss - before.rss) / count,
    heap: (after.heap - before.heap) / count,
    external: (after.external - before.external) / count,
  };
}

/** Of two contenders, the median of what one reached of the other within each round. */
function reached({ windows }: Capacity, one: Contender, other: Contender): number {
  const others = windows.get(other) ?? [];
  return median(
    (windows.get(one) ?? []).map((window, round) => rate(window) / rate(others[round] ?? window)),
  );
}

function rate({ chunks, wallMs }: Window): number {
  return (chunks / wallMs) * 1000;
}

/** Markdown: what is held, how fast it is, and what the journal costs. */
export function capacityReport(capacity: Capacity, { streams: [count = 0] }: Options): string {
  const { windows, perStream, perChunk, openingMs } = capacity;
  const held = [...perStream].map(([name, { rss, heap, external }]) => [
    name,
    ...[rss, heap, external].map((bytes) => (bytes / 1024).toFixed(1)),
    (perChunk.get(name)?.heap ?? NaN).toFixed(0),
    ((openingMs.get(name) ?? NaN) / 1000).toFixed(1),
  ]);
  const moved = [...windows].map(([name, all]) => {
    const typical = (figure: (window: Window) => number, digits: number): string =>
      median(all.map(figure)).toFixed(digits);
    return [
      name,
      `${typical(rate, 0)} (×${reached(capacity, name, 'bare Nest').toFixed(2)})`,
      typical(({ cpuMs, chunks }) => (cpuMs / chunks) * 1000, 0),
      typical(({ helperCpuMs, chunks }) => (helperCpuMs / chunks) * 1000, 1),
      typical(({ busy }) => busy, 2),
      `${typical(({ loopDelayMs }) => loopDelayMs.p50, 0)} / ${typical(({ loopDelayMs }) => loopDelayMs.p99, 0)}`,
      Math.max(...all.map(({ loopDelayMs }) => loopDelayMs.max)).toFixed(0),
      typical(({ generatorBusy }) => generatorBusy, 2),
    ];
  });
  const journal = reached(capacity, 'Parley', 'Parley without journal');
  return [
    `${count} streams, open and held`,
    markdown(
      ['server', 'RSS, KB per stream', 'heap', 'buffers', 'heap, B per chunk told', 'opened within, s'],
      held,
    ),
    `${count} streams, each sent its next chunk when its reader has the one before; in parentheses the ratio to bare Nest`,
    markdown(
      [
        ...['server', 'chunks/s', 'CPU ms per 1,000 chunks', 'Postgres CPU ms per 1,000', 'loop busy'],
        ...['loop late, ms: median / p99', 'worst', 'load generator busy'],
      ],
      moved,
    ),
    `The journal costs ${((1 - journal) * 100).toFixed(0)} % of the chunks per second (target: at most 25 %).`,
  ].join('\n\n');
}
