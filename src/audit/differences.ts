import { isDeepStrictEqual } from 'node:util';

type Values = Readonly<Record<string, unknown>>;

/** What a change really changes, as the audit log tells it. */
type Differences = Readonly<Record<'old' | 'new', Values>>;

/** Of what is wanted, what differs from before; undefined when nothing does. What is undefined is not asked to change. */
export function differences(before: Values, wanted: Values): Differences | undefined {
  const changed = Object.entries(wanted).filter(
    ([key, value]) => value !== undefined && !isDeepStrictEqual(value, before[key]),
  );
  if (changed.length === 0) return undefined;
  return {
    old: Object.fromEntries(changed.map(([key]) => [key, before[key]])),
    new: Object.fromEntries(changed),
  };
}
