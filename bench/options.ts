import { parseArgs } from 'node:util';

export interface Options {
  /** Numbers of concurrent streams, one scenario each. */
  readonly streams: readonly number[];
  /** Chunks of text in one streamed answer, and the time between two of them. */
  readonly chunks: number;
  readonly intervalMs: number;
  /** Requests at once for reads, and how long one run of them takes. */
  readonly concurrency: number;
  readonly durationMs: number;
  /** Runs of each scenario on each server, interleaved; medians are told. */
  readonly repeats: number;
  /** Threads of the person whose lists are read. */
  readonly threads: number;
  /** Profile Parley instead of comparing it; the adapters, beside comparing them. */
  readonly profile: boolean;
  /** What each adapter costs, by itself, instead of Parley. */
  readonly adapters: boolean;
  /** How many streams one process holds and moves, instead of the comparison. */
  readonly capacity: boolean;
  /** What a call of a program costs that is passed on, instead of the comparison. */
  readonly gateway: boolean;
  /** Whether lists, search and posts get slower by what others have, instead of the comparison. */
  readonly volume: boolean;
  /** People of the larger database, and requests of each kind to each database. */
  readonly people: number;
  readonly requests: number;
}

const usage = `npm run bench -- [options]
  --quick              one repeat of 32 streams and short reads, for a look while working
  --profile            where the time of Parley goes, instead of the comparison
  --adapters           what each adapter costs against reading the same bytes bare, by itself; with --profile also where it goes
  --capacity           memory, loop delay and chunks/s with 1,000 streams, and what the journal costs
  --gateway            POST /v1/chat/completions passed on, against the floor and another gateway; with --profile where it goes
  --volume             the same requests with 10,000 messages and with 1,000,000, a hundred times as many people
  --streams 1,32,100   concurrent streams, one scenario for each number
  --chunks 120         chunks of text in one answer
  --interval 20        milliseconds between two chunks
  --concurrency 32     requests at once for lists and single reads
  --duration 2000      milliseconds of one run of a list
  --repeats 3          runs of each scenario on each server
  --threads 200        threads of the person whose lists are read
  --people 500         people of the larger database, each with 40 threads of 50 messages
  --requests 200       requests of each kind to each database`;

const whole = {
  streams: '1,32,100',
  chunks: '120',
  interval: '20',
  duration: '2000',
  repeats: '3',
  threads: '200',
};
const quick = { streams: '32', chunks: '60', interval: '20', duration: '1000', repeats: '1' };
/** Longer answers, so that opening and ending weigh less; times of one run are not told. */
const profiling = { streams: '100', chunks: '400', interval: '20', duration: '8000', repeats: '1' };
/** Streams of one repeat; the interval is nothing. */
const adapters = { streams: '80', chunks: '2000', interval: '20', duration: '2000', repeats: '7' };
/** A window of three seconds for each server, in each round. */
const capacity = { streams: '1000', duration: '3000', repeats: '8', threads: '20' };
/** Streams to their end, and streams without end in windows of `duration`. */
const gateway = { streams: '100,1000', duration: '1000' };
const quickGateway = { ...gateway, repeats: '1', chunks: '50', duration: '400' };
/** Short answers at once: what is measured is the database. */
const volume = { chunks: '1', interval: '1' };

/** @throws Error for what is no whole number above zero; prints the usage and ends the process for --help */
export function readOptions(): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      ...{
        quick: flag,
        profile: flag,
        adapters: flag,
        capacity: flag,
        gateway: flag,
        volume: flag,
        help: flag,
        streams: text,
        chunks: text,
        interval: text,
      },
      ...{ concurrency: text, duration: text, repeats: text, threads: text },
      ...{ people: text, requests: text },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit();
  }
  const defaults = defaultsOf(values);
  return {
    streams: (values.streams ?? defaults.streams).split(',').map((text) => count('streams', text)),
    chunks: count('chunks', values.chunks ?? defaults.chunks),
    intervalMs: count('interval', values.interval ?? defaults.interval),
    concurrency: count('concurrency', values.concurrency ?? '32'),
    durationMs: count('duration', values.duration ?? defaults.duration),
    repeats: count('repeats', values.repeats ?? defaults.repeats),
    threads: count('threads', values.threads ?? defaults.threads),
    profile: values.profile,
    adapters: values.adapters,
    capacity: values.capacity,
    gateway: values.gateway,
    volume: values.volume,
    people: count('people', values.people ?? '500'),
    requests: count('requests', values.requests ?? '200'),
  };
}

function defaultsOf(mode: {
  readonly adapters: boolean;
  readonly capacity: boolean;
  readonly gateway: boolean;
  readonly volume: boolean;
  readonly profile: boolean;
  readonly quick: boolean;
}): typeof whole {
  if (mode.adapters) return { ...whole, ...adapters };
  if (mode.capacity) return { ...whole, ...capacity };
  if (mode.gateway && !mode.profile) return { ...whole, ...(mode.quick ? quickGateway : gateway) };
  if (mode.volume) return { ...whole, ...volume };
  if (mode.profile) return { ...whole, ...profiling };
  return mode.quick ? { ...whole, ...quick } : whole;
}

function count(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${name} takes whole numbers above zero, not ${text}`);
}
