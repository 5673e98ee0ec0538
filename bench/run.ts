// npm run bench: docs/performance.md says what it measures and how.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import path from 'node:path';
import { adapterCosts, adapterTable } from './adapters/adapter-costs.js';
import { capacityReport, measureCapacity } from './capacity.js';
import { Comparer, streamLoad, type Comparison } from './comparison.js';
import { gatewayScenarios, measureGateway, startGateway } from './gateway/gateway.js';
import { gatewayReport } from './gateway/report.js';
import { loadRequests, ofLength } from './load/requests.js';
import { loadStreams } from './load/streams.js';
import { readOptions, type Options } from './options.js';
import { summarise } from './profile/summary.js';
import { readNames } from './reference/arguments.js';
import { machine, type Machine } from './report/machine.js';
import { readTable, streamTable } from './report/tables.js';
import type { ParleyTarget } from './servers/parley.js';
import type { MeasuredServer, ReadName } from './servers/target.js';
import { Surroundings } from './surroundings.js';
import { measureVolume, volumeReport } from './volume/volume.js';

const results = path.join(import.meta.dirname, '../../bench/results');
/** How reads are shown. */
const readTitles = { threads: '20 threads', messages: '20 messages', user: 'the user' } as const;
const progress = (what: string): void =>
  console.error(`bench, ${Math.round(performance.now() / 1000)} s: ${what}`);

async function bytesOf(parley: ParleyTarget): Promise<Record<ReadName, number>> {
  const bodies = await Promise.all(
    readNames.map(async (name) => [name, Buffer.byteLength(await parley.readBody(name))] as const),
  );
  return Object.fromEntries(bodies) as Record<ReadName, number>; // By name.
}

async function compare(options: Options, on: Machine): Promise<void> {
  await using surroundings = await Surroundings.prepare();
  const upstream = await surroundings.upstream(options);
  progress('starting Parley and making threads');
  const parley = await surroundings.parley(upstream, options);
  const targets = [...(await surroundings.references(upstream, parley)), parley];
  const bytes = await bytesOf(parley);
  const comparison = await new Comparer(targets, options, bytes).compare(progress);
  print(comparison, options, on, bytes);
  await save('comparison', { machine: on, options, bytes, ...plain(comparison) });
}

/** Told when a run is over. */
function introduction({ date, cpu, cores, node, commit, loadBefore }: Machine): string {
  const [loadNow = NaN] = loadavg();
  return `${date}, ${cpu}, ${cores} cores, Node ${node}, commit ${commit}, load ${loadBefore.toFixed(1)} before, ${loadNow.toFixed(1)} after`;
}

function print(
  { streams, reads, failures }: Comparison,
  options: Options,
  on: Machine,
  bytes: Record<ReadName, number>,
): void {
  const { chunks, intervalMs, concurrency, repeats } = options;
  console.log(`\n${introduction(on)}; medians of ${repeats}, in parentheses the ratio to the floor`);
  for (const [count, runs] of streams) {
    const offered = Math.round((count * 1000) / intervalMs);
    console.log(
      `\nStreams: ${count} at once, ${chunks} chunks each, ${offered} chunks/s offered\n\n${streamTable(runs)}`,
    );
  }
  for (const [name, runs] of reads) {
    console.log(
      `\nRead: ${readTitles[name]}, ${bytes[name]} bytes, ${concurrency} requests at once\n\n${readTable(runs)}`,
    );
  }
  printFailures([...failures]);
}

function plain({ streams, reads, failures }: Comparison): object {
  const runs = (scenarios: Iterable<readonly [string | number, ReadonlyMap<string, unknown>]>): object =>
    Object.fromEntries([...scenarios].map(([name, byTarget]) => [name, Object.fromEntries(byTarget)]));
  return { streams: runs(streams), reads: runs(reads), failures: [...failures] };
}

/** Each scenario twice: warm first, then with the profiler on. */
async function profile(options: Options, on: Machine): Promise<void> {
  await using surroundings = await Surroundings.prepare();
  const parley = await surroundings.parley(await surroundings.upstream(options), options);
  const bytes = await bytesOf(parley);
  await profileScenarios(parley, scenarios(parley, options, bytes), on);
}

async function profileGateway(options: Options, on: Machine): Promise<void> {
  await using surroundings = await Surroundings.prepare();
  const { parley } = await startGateway(surroundings, options);
  await profileScenarios(parley, gatewayScenarios(parley, options), on);
}

async function profileScenarios(
  parley: MeasuredServer,
  scenarios: readonly Scenario[],
  on: Machine,
): Promise<void> {
  await mkdir(results, { recursive: true });
  for (const { name, run } of scenarios) {
    progress(`profiling ${name}`);
    await run();
    const file = path.join(results, `${name.replaceAll(' ', '-')}.cpuprofile`);
    await parley.server.profile(file, async () => {
      const { failures } = await run();
      if (failures.length > 0) throw new Error(`${name}: ${failures.join(', ')}`);
    });
    console.log(`\n## ${name}, commit ${on.commit}: % of the time in which the process was busy\n`);
    console.log(await summarise(file));
  }
}

interface Scenario {
  readonly name: string;
  readonly run: () => Promise<{ readonly failures: readonly string[] }>;
}

function scenarios(
  parley: ParleyTarget,
  options: Options,
  bytes: Readonly<Record<ReadName, number>>,
): readonly Scenario[] {
  const { streams, concurrency, durationMs } = options;
  return [
    ...streams.map((count) => ({
      name: `${count} streams`,
      run: () => loadStreams(parley, streamLoad(count, options)),
    })),
    ...readNames.map((name) => ({
      name: readTitles[name],
      run: () =>
        loadRequests(parley, {
          request: parley.read(name),
          concurrency,
          durationMs,
          wrongIn: ofLength(bytes[name]),
        }),
    })),
  ];
}

async function compareAdapters(options: Options, on: Machine): Promise<void> {
  await using surroundings = await Surroundings.prepare();
  const profiles = options.profile ? results : undefined;
  await mkdir(results, { recursive: true });
  const costs = await adapterCosts(await surroundings.replayingUpstream(options), options, {
    profiles,
    progress,
  });
  console.log(`\n${introduction(on)}; medians of ${options.repeats}\n\n${adapterTable(costs)}`);
  for (const { name, profileFile } of costs) {
    if (profileFile !== undefined) console.log(`\n## ${name}\n\n${await summarise(profileFile)}`);
  }
  await save('adapters', { machine: on, options, costs });
}

async function showCapacity(options: Options, on: Machine): Promise<void> {
  await using surroundings = await Surroundings.prepare();
  const capacity = await measureCapacity(surroundings, options, progress);
  console.log(`\n${introduction(on)}; medians of ${options.repeats} rounds\n`);
  console.log(capacityReport(capacity, options));
  printFailures(capacity.failures);
  const { perStream, perChunk, openingMs, windows, failures } = capacity;
  const maps = Object.entries({ perStream, perChunk, openingMs, windows });
  const plain = Object.fromEntries(maps.map(([name, map]) => [name, Object.fromEntries<unknown>(map)]));
  await save('capacity', { machine: on, options, ...plain, failures });
}

async function showGateway(options: Options, on: Machine): Promise<void> {
  if (options.profile) return profileGateway(options, on);
  await using surroundings = await Surroundings.prepare();
  const runs = await measureGateway(surroundings, options, progress);
  console.log(`\n${introduction(on)}; medians of ${options.repeats}\n\n${gatewayReport(runs)}`);
  printFailures(runs.failures);
  const { whole, streams, crowd, gone, sizes, failures } = runs;
  const byTarget = Object.entries({ ...Object.fromEntries(whole), streams, crowd, gone });
  const plain = Object.fromEntries(byTarget.map(([name, all]) => [name, Object.fromEntries<unknown>(all)]));
  await save('gateway', { machine: on, options, sizes, ...plain, failures });
}

async function showVolume(options: Options, on: Machine): Promise<void> {
  await using surroundings = await Surroundings.prepare();
  const volume = await measureVolume(surroundings, options, progress);
  console.log(`\n${introduction(on)}\n\n${volumeReport(volume)}`);
  printFailures(volume.failures);
  await save('volume', { machine: on, options, ...volume });
}

function printFailures(failures: readonly string[]): void {
  if (failures.length === 0) return;
  console.log(`\nFAILURES, so that the figures mean little:\n${failures.join('\n')}`);
  process.exitCode = 1;
}

async function save(kind: string, content: object): Promise<void> {
  await mkdir(results, { recursive: true });
  const file = path.join(results, `${kind}-${new Date().toISOString().replaceAll(':', '')}.json`);
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
  await copyFile(file, path.join(results, `${kind}-latest.json`));
  progress(`written to ${path.relative(process.cwd(), file)}`);
}

function workOf({ adapters, capacity, gateway, volume, profile: profiling }: Options): typeof compare {
  if (gateway) return showGateway;
  if (volume) return showVolume;
  if (adapters) return compareAdapters;
  if (capacity) return showCapacity;
  return profiling ? profile : compare;
}

const options = readOptions();
const on = await machine();
await workOf(options)(options, on);
