import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import type { Options } from '../options.js';
import { median } from '../report/statistics.js';
import { markdown } from '../report/tables.js';
import { recordedStreams } from './recorded-streams.js';

/** What a reader is asked for. */
export interface ReaderTask {
  readonly name: string;
  /** Of the replaying upstream. */
  readonly origin: string;
  /** Streams in one repeat, and chunks of text in one stream. */
  readonly streams: number;
  readonly chunks: number;
  readonly repeats: number;
  /** Where to leave a profile of one more repeat with the adapter. */
  readonly profileFile?: string;
}

/** CPU time in microseconds, by repeat. */
export interface ReaderResult {
  readonly bytesOfOne: number;
  readonly bareMicros: number[];
  readonly adapterMicros: number[];
}

export interface AdapterCost {
  readonly name: string;
  readonly bytesPerChunk: number;
  /** CPU time, medians over the repeats. */
  readonly bareMsPer1000: number;
  readonly adapterMsPer1000: number;
  /** Median of those within one repeat. */
  readonly ratio: number;
  readonly profileFile?: string;
}

const reader = path.join(import.meta.dirname, 'stream-reader.js');

/**
 * What reading a recorded stream costs each adapter, and what reading the same bytes costs nobody in particular: by turns, in one process
 * for each recording.
 * @param profiles a folder for profiles of the adapters, if any are wanted
 */
export async function adapterCosts(
  origin: string,
  { streams: [streams = 1], chunks, repeats }: Options,
  { profiles, progress }: { readonly profiles: string | undefined; progress: (what: string) => void },
): Promise<readonly AdapterCost[]> {
  const costs: AdapterCost[] = [];
  for (const { name } of recordedStreams) {
    progress(`reading with ${name}`);
    const profile = profiles === undefined ? {} : { profileFile: path.join(profiles, `${name}.cpuprofile`) };
    const result = await read({ name, origin, streams, chunks, repeats, ...profile });
    costs.push({ ...toCost(name, result, { streams, chunks }), ...profile });
  }
  return costs;
}

export function adapterTable(costs: readonly AdapterCost[]): string {
  return markdown(
    ['adapter', 'bytes per chunk', 'bare, CPU ms per 1,000 chunks', 'adapter', 'ratio'],
    costs.map(({ name, bytesPerChunk, bareMsPer1000, adapterMsPer1000, ratio }) => [
      name,
      String(bytesPerChunk),
      bareMsPer1000.toFixed(1),
      adapterMsPer1000.toFixed(1),
      `×${ratio.toFixed(1)}`,
    ]),
  );
}

/** @throws Error when the reader fails, which it does at the first wrong answer */
async function read(task: ReaderTask): Promise<ReaderResult> {
  const child = spawn(process.execPath, ['--enable-source-maps', reader], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  child.stdin.end(JSON.stringify(task));
  const result = await json(child.stdout).catch(() => undefined);
  await ended;
  if (child.exitCode !== 0) throw new Error(`${task.name} could not be read`);
  return result as ReaderResult; // Written by stream-reader.ts.
}

function toCost(
  name: string,
  { bytesOfOne, bareMicros, adapterMicros }: ReaderResult,
  { streams, chunks }: { readonly streams: number; readonly chunks: number },
): AdapterCost {
  const msPer1000 = (micros: readonly number[]): number => median(micros) / (streams * chunks);
  return {
    name,
    bytesPerChunk: Math.round(bytesOfOne / chunks),
    bareMsPer1000: msPer1000(bareMicros),
    adapterMsPer1000: msPer1000(adapterMicros),
    ratio: median(adapterMicros.map((micros, repeat) => micros / (bareMicros[repeat] ?? NaN))),
  };
}
