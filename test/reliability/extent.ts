import { randomInt } from 'node:crypto';

/** What a run is asked for by Jest's `--globals '{"reliability": {…}}'`; the only place where it is read. */
interface Asked {
  /** Every round, and the scenes that only a long run has. */
  readonly long?: boolean;
  /** What a run printed, to choose the same again. */
  readonly seed?: number;
  /** Instead of the number of rounds that each scene has by itself. */
  readonly rounds?: number;
  /** How long the soak takes; without it there is none. */
  readonly minutes?: number;
}

// Only ever what the command line says.
const asked = (Reflect.get(globalThis, 'reliability') ?? {}) as Asked;

export const isLong = asked.long === true;
export const seed = asked.seed ?? randomInt(2 ** 31);
export const soakMinutes = asked.minutes;

/** How often a scene is played. */
export function rounds({ short, long }: { readonly short: number; readonly long: number }): number {
  return asked.rounds ?? (isLong ? long : short);
}

/** Prints what a scene found, as one line of JSON, with the seed of its choices. */
export function report(scene: string, figures: object): void {
  process.stdout.write(`${JSON.stringify({ scene, seed, ...figures })}\n`);
}

/** The largest of some numbers, 0 of none. */
export function most(numbers: readonly number[]): number {
  return numbers.reduce((largest, number) => Math.max(largest, number), 0);
}

/** The value below which lies this share of the numbers, 0 of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
