import { ratioTo, typical, type Figures, type ReadColumn, type Runs, type StreamColumn } from './figures.js';

interface Shown<Column extends string> {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly digits?: number;
  /** Beside the figure, in parentheses. */
  readonly ratio?: boolean;
}

const streamColumns: readonly Shown<StreamColumn>[] = [
  { title: 'chunks/s', columns: ['chunksPerSecond'] },
  { title: 'first byte, ms: median / p95', columns: ['firstByteMs', 'firstByteP95Ms'] },
  { title: 'first text, ms: median / p95', columns: ['firstTextMs', 'firstTextP95Ms'] },
  { title: 'CPU ms per 1,000 chunks', columns: ['cpuMsPer1000Chunks'], ratio: true },
  { title: 'while all run', columns: ['steadyCpuMsPer1000Chunks'], ratio: true },
  { title: 'to open and end one, CPU ms', columns: ['cpuMsPerStream'], digits: 1 },
  { title: 'Postgres CPU ms per 1,000', columns: ['postgresCpuMsPer1000Chunks'] },
  { title: 'loop busy', columns: ['busy'], digits: 2 },
  { title: 'errors', columns: ['errors'] },
];

const readColumns: readonly Shown<ReadColumn>[] = [
  { title: 'requests/s', columns: ['requestsPerSecond'], ratio: true },
  { title: 'latency, ms: median / p95', columns: ['medianMs', 'p95Ms'], digits: 1 },
  { title: 'CPU µs per request', columns: ['cpuMicrosPerRequest'], ratio: true },
  { title: 'Postgres CPU µs per request', columns: ['postgresCpuMicrosPerRequest'] },
  { title: 'loop busy', columns: ['busy'], digits: 2 },
  { title: 'errors', columns: ['errors'] },
];

/** A Markdown table; figures are medians over the repeats, and in parentheses how many times the floor's. */
export function streamTable(runs: Runs<StreamColumn>): string {
  return table(runs, streamColumns);
}

export function readTable(runs: Runs<ReadColumn>): string {
  return table(runs, readColumns);
}

function table<Column extends string>(runs: Runs<Column>, shown: readonly Shown<Column>[]): string {
  const rows = [...runs].map(([target, figures]) => [
    target,
    ...shown.map((column) => {
      const text = column.columns.map((name) => cell(figures, name, column.digits)).join(' / ');
      if (column.ratio !== true) return text;
      return `${text} (${column.columns.map((name) => `×${round(ratioTo('floor', runs, target, name), 2)}`).join(' / ')})`;
    }),
  ]);
  return markdown(['server', ...shown.map(({ title }) => title)], rows);
}

function cell<Column extends string>(
  figures: readonly Figures<Column>[],
  column: Column,
  digits = 0,
): string {
  return round(typical(figures, column), digits);
}

function round(value: number, digits: number): string {
  return Number.isNaN(value)
    ? '–'
    : value.toFixed(value < 10 && digits === 0 && value % 1 !== 0 ? 1 : digits);
}

/** Columns are padded, so that it reads as well on a terminal. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), title.length),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
