import type { RequestResult } from '../load/requests.js';
import type { StreamResult } from '../load/streams.js';
import type { TargetName } from '../servers/target.js';
import { median, quantile } from './statistics.js';

/** What one run showed, by column. NaN stands for what could not be seen. */
export type Figures<Column extends string = string> = Readonly<Record<Column, number>>;

export type StreamColumn =
  | 'chunksPerSecond'
  | 'firstByteMs'
  | 'firstByteP95Ms'
  | 'firstTextMs'
  | 'firstTextP95Ms'
  | 'cpuMsPer1000Chunks'
  | 'steadyCpuMsPer1000Chunks'
  | 'cpuMsPerStream'
  | 'postgresCpuMsPer1000Chunks'
  | 'busy'
  | 'errors';

export function streamFigures({
  chunks,
  failures,
  firstByteMs,
  firstTextMs,
  whole,
  steady,
}: StreamResult): Figures<StreamColumn> {
  return {
    chunksPerSecond: steady === null ? NaN : (steady.chunks / steady.wallMs) * 1000,
    firstByteMs: median(firstByteMs),
    firstByteP95Ms: quantile(firstByteMs, 0.95),
    firstTextMs: median(firstTextMs),
    firstTextP95Ms: quantile(firstTextMs, 0.95),
    cpuMsPer1000Chunks: (whole.cpuMs / chunks) * 1000,
    steadyCpuMsPer1000Chunks: steady === null ? NaN : (steady.cpuMs / steady.chunks) * 1000,
    cpuMsPerStream:
      steady === null ? NaN : (whole.cpuMs - (steady.cpuMs / steady.chunks) * chunks) / firstTextMs.length,
    postgresCpuMsPer1000Chunks: (whole.helperCpuMs / chunks) * 1000,
    busy: steady === null ? NaN : steady.busy,
    errors: failures.length,
  };
}

export type ReadColumn =
  | 'requestsPerSecond'
  | 'medianMs'
  | 'p95Ms'
  | 'cpuMicrosPerRequest'
  | 'postgresCpuMicrosPerRequest'
  | 'busy'
  | 'errors';

export function readFigures({ requests, failures, latencyMs, whole }: RequestResult): Figures<ReadColumn> {
  return {
    requestsPerSecond: (requests / whole.wallMs) * 1000,
    medianMs: median(latencyMs),
    p95Ms: quantile(latencyMs, 0.95),
    cpuMicrosPerRequest: (whole.cpuMs / requests) * 1000,
    postgresCpuMicrosPerRequest: (whole.helperCpuMs / requests) * 1000,
    busy: whole.busy,
    errors: failures.length,
  };
}

/** All runs of one scenario, by server; the same place in two lists is the same repeat. */
export type Runs<Column extends string> = ReadonlyMap<TargetName, readonly Figures<Column>[]>;

/** The median over the repeats; of errors the sum. */
export function typical<Column extends string>(runs: readonly Figures<Column>[], column: Column): number {
  const values = runs.map((figures) => figures[column]);
  return column === 'errors' ? values.reduce((sum, value) => sum + value, 0) : median(values);
}

/** How many times another's: the median of the ratios within each repeat, so that noise common to both cancels out. */
export function ratioTo<Column extends string>(
  other: TargetName,
  runs: Runs<Column>,
  target: TargetName,
  column: Column,
): number {
  const others = runs.get(other) ?? [];
  const ratios = (runs.get(target) ?? []).map(
    (figures, repeat) => figures[column] / (others[repeat]?.[column] ?? NaN),
  );
  return median(ratios);
}
