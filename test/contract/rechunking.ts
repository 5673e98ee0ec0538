import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitAt } from '../../bench/upstream/scripts.js';
import type { GenerateEvent } from '../../src/llm-providers/contract/generate-event.js';
import type { StreamRun } from './stream-run.js';

interface Recorded {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly events: readonly GenerateEvent[];
}

/** Reads these bytes, each piece as an HTTP chunk of its own. */
type Answer = (pieces: readonly Uint8Array[]) => Promise<StreamRun>;

/** How many random ways to cut; `npm run test:rechunking` says more. */
const rechunkings = numberFromJest('rechunkings') ?? 80;
/** What a failure tells, to see the same again: `--globals '{"seed":…}'`. */
const seed = numberFromJest('seed');
/** Most take 3 ms, single bytes 100. */
const timeoutMs = 20_000 + rechunkings * 30;

const [carriageReturn, lineFeed] = [0x0d, 0x0a];

/** Holds an adapter to this: the network cuts bytes where it likes, and no event depends on it. */
export function itReadsTheSameHoweverCut(recordings: readonly Recorded[], answer: Answer): void {
  const variants = recordings.flatMap((recording) => [
    withLineEnds(recording, '\n'),
    withLineEnds(recording, '\r\n'),
  ]);

  async function expectSame({ bytes, events }: Recorded, cuts: readonly number[]): Promise<void> {
    expect(await answer(splitAt(bytes, cuts))).toEqual({ events, error: undefined });
  }

  it.each(variants.slice(0, 2))('reads the same from single bytes: $name', async (variant) => {
    await expectSame(variant, everywhere(variant));
  });

  it.each(variants)(
    'reads the same from bytes cut within every character and CRLF: $name',
    async (variant) => {
      await expectSame(variant, delicatePlaces(variant));
    },
  );

  it(
    `reads the same from bytes cut in ${rechunkings} random ways`,
    async () => {
      const rechunking = fc
        .constantFrom(...variants)
        .chain((variant) => fc.record({ variant: fc.constant(variant), cuts: cutsOf(variant) }));
      await fc.assert(
        fc.asyncProperty(rechunking, ({ variant, cuts }) => expectSame(variant, cuts)),
        { numRuns: rechunkings, ...(seed === undefined ? {} : { seed }) },
      );
    },
    timeoutMs,
  );
}

/** Mostly some cuts anywhere, often at the places that hurt; now and then none at all, or all. */
function cutsOf(recorded: Recorded): fc.Arbitrary<readonly number[]> {
  const anywhere = fc.array(fc.nat({ max: recorded.bytes.length }), { maxLength: 40 });
  const delicate = fc.subarray([...delicatePlaces(recorded)]);
  return fc.oneof(
    { weight: 48, arbitrary: anywhere },
    { weight: 25, arbitrary: delicate },
    { weight: 25, arbitrary: fc.tuple(anywhere, delicate).map((both) => both.flat()) },
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.constant(everywhere(recorded)) },
  );
}

function everywhere({ bytes }: Recorded): readonly number[] {
  return Array.from(bytes.keys());
}

/** Within a character of UTF-8, whose later bytes are 10xxxxxx, and between CR and LF. */
function delicatePlaces({ bytes }: Recorded): readonly number[] {
  return Array.from(bytes.keys()).filter((place) => {
    const [before = 0, after = 0] = bytes.subarray(place - 1, place + 1);
    return (after & 0xc0) === 0x80 || (before === carriageReturn && after === lineFeed);
  });
}

/** Line feeds are ends of lines in event streams and in lines of JSON alike: within JSON they are escaped. */
function withLineEnds({ name, bytes, events }: Recorded, end: '\n' | '\r\n'): Recorded {
  const lines = Buffer.from(bytes).toString().split(/\r?\n/);
  return { name: `${name}, ${end === '\n' ? 'LF' : 'CRLF'}`, bytes: Buffer.from(lines.join(end)), events };
}

/** From Jest's `--globals`. */
function numberFromJest(name: string): number | undefined {
  const value: unknown = Reflect.get(globalThis, name);
  return typeof value === 'number' ? value : undefined;
}
