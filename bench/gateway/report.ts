import { ratioTo } from '../report/figures.js';
import { median } from '../report/statistics.js';
import { markdown, readTable, streamTable } from '../report/tables.js';
import type { TargetName } from '../servers/target.js';
import { type ByTarget, type Crowd, type GatewayRuns } from './gateway.js';

/** Markdown: what was measured, and beside it what is promised. */
export function gatewayReport(runs: GatewayRuns): string {
  const { whole, streams, crowd, gone, sizes } = runs;
  return [
    ...[...whole].flatMap(([count, byTarget]) => [
      `Not streamed, ${count} at once; in parentheses the ratio to the floor`,
      readTable(byTarget),
    ]),
    `${sizes.streams} streams at once, to their end`,
    streamTable(streams),
    `${sizes.crowd} streams, opened at once and held (first byte, memory), then let go (the rest)`,
    crowdTable(crowd),
    'One stream after the other, whose client goes away after its first chunk',
    markdown(
      ['server', 'first byte, ms: median', 'client gone to upstream closed, ms: median', 'worst'],
      [...gone].map(([name, all]) => {
        const goneMs = all.flatMap((run) => run.goneMs);
        return [
          name,
          firstByte(runs, name).toFixed(2),
          goneMs.includes(Infinity) ? 'not passed on' : median(goneMs).toFixed(2),
          goneMs.includes(Infinity) ? '–' : Math.max(...goneMs).toFixed(1),
        ];
      }),
    ),
    'What is promised of Parley',
    markdown(['', 'target', 'measured', ''], promises(runs)),
  ].join('\n\n');
}

function crowdTable(crowd: ByTarget<Crowd>): string {
  const rows = [...crowd].map(([name, all]) => {
    const typical = (figure: (run: Crowd) => number, digits: number): string =>
      median(all.map(figure)).toFixed(digits);
    return [
      name,
      typical(({ chunks, wallMs }) => (chunks / wallMs) * 1000, 0),
      typical(({ chunksPerPiece }) => chunksPerPiece, 1),
      `${typical(cpuPerChunk, 1)} (×${crowdRatio(crowd, name, 'floor').toFixed(2)})`,
      typical(({ helperCpuMs, chunks }) => (helperCpuMs / chunks) * 1000, 1),
      typical(({ busy }) => busy, 2),
      typical(({ firstByteMs }) => median(firstByteMs), 0),
      (all[0]?.rssKbPerStream ?? NaN).toFixed(0),
      (all[0]?.heapKbPerStream ?? NaN).toFixed(0),
    ];
  });
  return markdown(
    [
      ...[
        'server',
        'chunks/s',
        'chunks per piece sent',
        'CPU ms per 1,000 chunks',
        'Postgres CPU ms per 1,000',
        'loop busy',
      ],
      ...['first byte, ms: median', 'RSS, KB per stream', 'heap and buffers'],
    ],
    rows,
  );
}

function promises(runs: GatewayRuns): string[][] {
  const { whole, crowd, gone } = runs;
  const at32 = whole.get(32) ?? new Map<TargetName, []>();
  const requests = (other: TargetName): number => ratioTo(other, at32, 'Parley', 'requestsPerSecond');
  const overFloor = firstByte(runs, 'Parley') - firstByte(runs, 'floor');
  const goneMs = median((gone.get('Parley') ?? []).flatMap((run) => run.goneMs));
  const row = (what: string, target: string, value: number, digits: number, isMet: boolean): string[] => [
    ...[what, target, Number.isNaN(value) ? '–' : value.toFixed(digits)],
    Number.isNaN(value) ? 'not measured' : isMet ? 'met' : 'MISSED',
  ];
  const least = (what: string, target: number, value: number): string[] =>
    row(what, `≥ ${target}`, value, 2, value >= target);
  const most = (what: string, target: number, value: number): string[] =>
    row(what, `≤ ${target}`, value, 2, value <= target);
  const { crowd: many } = runs.sizes;
  // Memory that the process had already taken for other things is not in its RSS again.
  const memory = crowd.get('Parley')?.[0] ?? { rssKbPerStream: NaN, heapKbPerStream: NaN };
  return [
    least("requests/s at 32, of the floor's", 0.45, requests('floor')),
    least("requests/s at 32, of Portkey's", 5, requests('Portkey')),
    most(`CPU per chunk of ${many} streams, of the floor's`, 1.6, crowdRatio(crowd, 'Parley', 'floor')),
    most(`CPU per chunk of ${many} streams, of Portkey's`, 0.55, crowdRatio(crowd, 'Parley', 'Portkey')),
    most('memory, KB per stream', 60, Math.max(memory.rssKbPerStream, memory.heapKbPerStream)),
    most('first byte over the floor, ms', 3, overFloor),
    most('client gone to upstream closed, ms', 50, goneMs),
  ];
}

/** Of one stream at a time. */
function firstByte({ gone }: GatewayRuns, name: TargetName): number {
  return median((gone.get(name) ?? []).flatMap(({ firstByteMs }) => firstByteMs));
}

const cpuPerChunk = ({ cpuMs, chunks }: Crowd): number => (cpuMs / chunks) * 1000;

/** The median of the ratios within each repeat. */
function crowdRatio(crowd: ByTarget<Crowd>, name: TargetName, to: TargetName): number {
  const others = crowd.get(to) ?? [];
  return median(
    (crowd.get(name) ?? []).map((run, repeat) => {
      const other = others[repeat];
      return other === undefined ? NaN : cpuPerChunk(run) / cpuPerChunk(other);
    }),
  );
}
