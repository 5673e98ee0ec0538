// npm run bench -- --gateway: what a call of a program costs that is passed on, against who does nothing else, and another gateway.
import { loadGoneClients, type GoneClients } from '../load/gone-clients.js';
import { delay, HeldStreams, HoldingUpstream, type HeldWindow } from '../load/held-streams.js';
import { untilQuiet } from '../load/quiet.js';
import { loadRequests, type RequestLoad } from '../load/requests.js';
import { loadStreams } from '../load/streams.js';
import type { Options } from '../options.js';
import {
  readFigures,
  streamFigures,
  type Figures,
  type ReadColumn,
  type StreamColumn,
} from '../report/figures.js';
import type { ChatTarget } from '../servers/chat-target.js';
import type { TargetName } from '../servers/target.js';
import type { Surroundings } from '../surroundings.js';
import { word } from '../upstream/paced-upstream.js';
import { wrongInRecords, type Calls } from './usage-records.js';

const concurrencies = [1, 32, 128] as const;
const said = 'Say something.';
/** Enough for V8 to have compiled what is hot. */
const warmUp = { concurrency: 32, durationMs: 1500, streams: 100 };
const goneClients = 100;
/** After streams were told to go on. */
const settlingMs = 500;
/** Of what the upstream says that it used (paced-upstream.ts). */
const inputTokens = 8;

/** Many streams, held and then let go. Memory is of the first repeat: what a process once took it keeps. */
export interface Crowd extends HeldWindow {
  readonly firstByteMs: readonly number[];
  readonly rssKbPerStream: number;
  readonly heapKbPerStream: number;
}

export type ByTarget<Result> = ReadonlyMap<TargetName, readonly Result[]>;

export interface GatewayRuns {
  readonly whole: ReadonlyMap<number, ByTarget<Figures<ReadColumn>>>;
  /** To their end. */
  readonly streams: ByTarget<Figures<StreamColumn>>;
  readonly crowd: ByTarget<Crowd>;
  readonly gone: ByTarget<GoneClients>;
  /** Numbers of streams that were read to their end, and held. */
  readonly sizes: { readonly streams: number; readonly crowd: number };
  readonly failures: readonly string[];
}

export interface GatewayServers {
  readonly upstream: string;
  readonly parley: ChatTarget;
  /** Of Parley's database. */
  readonly url: string;
}

export async function startGateway(surroundings: Surroundings, options: Options): Promise<GatewayServers> {
  const upstream = await surroundings.upstream(options);
  return { upstream, ...(await surroundings.chatParley(upstream)) };
}

export async function measureGateway(
  surroundings: Surroundings,
  options: Options,
  progress: (what: string) => void,
): Promise<GatewayRuns> {
  progress('starting the servers');
  const { upstream, parley, url } = await startGateway(surroundings, options);
  const targets = [...(await surroundings.forwarders(upstream)), parley];
  try {
    targets.push(await surroundings.portkey(upstream));
  } catch (error) {
    progress(`SKIPPED the other gateway, which could not be installed or started: ${String(error)}`);
  }
  return new GatewayRun(targets, options, new HoldingUpstream(upstream), progress).run(url);
}

class GatewayRun {
  private readonly calls: Calls = { complete: 0, cutOff: 0 };
  private readonly failures = new Set<string>();
  private readonly rightAnswers = new Map<TargetName, Buffer>();

  constructor(
    private readonly targets: readonly ChatTarget[],
    private readonly options: Options,
    private readonly upstream: HoldingUpstream,
    private readonly progress: (what: string) => void,
  ) {}

  async run(url: string): Promise<GatewayRuns> {
    const { streams: sizes, repeats, chunks } = this.options;
    const [few = 100, many = 1000] = sizes;
    await this.warmUp();
    const whole = new Map(concurrencies.map((count) => [count, this.noRuns<Figures<ReadColumn>>()]));
    const streams = this.noRuns<Figures<StreamColumn>>();
    const crowd = this.noRuns<Crowd>();
    const gone = this.noRuns<GoneClients>();
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const target of this.inTurn(repeat)) {
        this.progress(`repeat ${repeat + 1} of ${repeats}: ${target.name}`);
        for (const [count, runs] of whole) runs.get(target.name)?.push(await this.whole(target, count));
        streams.get(target.name)?.push(await this.streams(target, few));
        if (repeat === 0) gone.get(target.name)?.push(await this.gone(target));
        crowd.get(target.name)?.push(await this.crowd(target, many));
      }
    }
    this.progress('counting usage records');
    const wrong = await wrongInRecords(url, this.calls, { inputTokens, outputTokens: chunks });
    if (wrong !== undefined) this.failures.add(wrong);
    return {
      whole,
      streams,
      crowd,
      gone,
      sizes: { streams: few, crowd: many },
      failures: [...this.failures],
    };
  }

  private noRuns<Result>(): Map<TargetName, Result[]> {
    return new Map(this.targets.map(({ name }) => [name, []]));
  }

  /** Another server begins in each repeat. */
  private inTurn(repeat: number): ChatTarget[] {
    const first = repeat % this.targets.length;
    return [...this.targets.slice(first), ...this.targets.slice(0, first)];
  }

  private async warmUp(): Promise<void> {
    for (const target of this.targets) {
      this.progress(`warming up ${target.name}`);
      this.rightAnswers.set(target.name, await this.rightAnswer(target));
      await this.whole(target, warmUp.concurrency, warmUp.durationMs);
      await this.streams(target, warmUp.streams);
    }
  }

  /** What it answers to a request that is not streamed, which is looked at once; from then on it is to answer that. */
  private async rightAnswer(target: ChatTarget): Promise<Buffer> {
    const { url, headers, body } = target.completion(said, false);
    const answer = Buffer.from(await (await fetch(url, { method: 'POST', headers, body })).arrayBuffer());
    this.count(target, { complete: 1 });
    const text = word.repeat(this.options.chunks);
    const isRight = answer.includes(JSON.stringify({ role: 'assistant', content: text }));
    if (!isRight) this.failures.add(`${target.name}: answered ${answer.toString()}`);
    return answer;
  }

  private async whole(
    target: ChatTarget,
    concurrency: number,
    durationMs = this.options.durationMs,
  ): Promise<Figures<ReadColumn>> {
    const result = await loadRequests(target, this.wholeLoad(target, concurrency, durationMs));
    this.count(target, { complete: result.requests - result.failures.length });
    this.note(target, result.failures);
    return readFigures(result);
  }

  private wholeLoad(target: ChatTarget, concurrency: number, durationMs: number): RequestLoad {
    const right = this.rightAnswers.get(target.name) ?? Buffer.alloc(0);
    return {
      request: target.completion(said, false),
      concurrency,
      durationMs,
      wrongIn: (answer) => (answer.equals(right) ? undefined : `answered ${answer.toString()}`),
    };
  }

  private async streams(target: ChatTarget, count: number): Promise<Figures<StreamColumn>> {
    const { chunks } = this.options;
    const result = await loadStreams(target, { streams: count, chunks, text: word.repeat(chunks) });
    this.count(target, { complete: count - result.failures.length });
    this.note(target, result.failures);
    return streamFigures(result);
  }

  private async gone(target: ChatTarget): Promise<GoneClients> {
    const result = await loadGoneClients(target, this.upstream, goneClients);
    this.count(target, { cutOff: result.goneMs.length });
    this.note(target, result.failures);
    return result;
  }

  private async crowd(target: ChatTarget, count: number): Promise<Crowd> {
    const { count: cutOffBefore } = await this.upstream.cutOff();
    await untilQuiet(target, 200);
    const before = await target.server.usageWithoutGarbage();
    const streams = await HeldStreams.open(target, count);
    await untilQuiet(target, 200);
    const after = await target.server.usageWithoutGarbage();
    await this.upstream.goOn();
    await delay(settlingMs);
    const window = await streams.window(this.options.durationMs * 2);
    streams.close();
    await this.upstream.untilCutOff(cutOffBefore + streams.firstByteMs.length);
    this.count(target, { cutOff: streams.firstByteMs.length });
    this.note(target, streams.failures);
    const kbPerStream = (bytes: number): number => bytes / 1024 / count;
    return {
      ...window,
      firstByteMs: streams.firstByteMs,
      rssKbPerStream: kbPerStream(after.rssBytes - before.rssBytes),
      heapKbPerStream: kbPerStream(
        after.heapBytes + after.externalBytes - before.heapBytes - before.externalBytes,
      ),
    };
  }

  private count({ name }: ChatTarget, { complete = 0, cutOff = 0 }: Partial<Calls>): void {
    if (name !== 'Parley') return;
    this.calls.complete += complete;
    this.calls.cutOff += cutOff;
  }

  private note({ name }: ChatTarget, failures: readonly string[]): void {
    for (const failure of failures) this.failures.add(`${name}: ${failure.slice(0, 300)}`);
  }
}

/** The two ways of being passed on, to be profiled. */
export function gatewayScenarios(
  parley: ChatTarget,
  options: Options,
): readonly {
  readonly name: string;
  readonly run: () => Promise<{ readonly failures: readonly string[] }>;
}[] {
  const { chunks, durationMs, concurrency } = options;
  const [streams = 100] = options.streams;
  const text = word.repeat(chunks);
  return [
    {
      name: 'passed on whole',
      run: () =>
        loadRequests(parley, {
          request: parley.completion(said, false),
          concurrency,
          durationMs,
          wrongIn: (answer) => (answer.includes(text) ? undefined : `answered ${answer.toString()}`),
        }),
    },
    { name: 'passed on in streams', run: () => loadStreams(parley, { streams, chunks, text }) },
  ];
}
