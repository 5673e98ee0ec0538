/** What the vendor does with a request; each request of a call has its own, and the last one goes for all further ones. */
export type Act =
  | 'whole'
  /** Whole, without a word on what was used. */
  | 'uncounted'
  /** 400, 429, 500: as statuses, before any output. */
  | 'refuse'
  | 'limit'
  | 'fail'
  /** Cuts the connection before any byte. */
  | 'nothing'
  /** Tells of an error in the middle of the answer. */
  | 'report'
  /** Ends the connection in the middle of the answer, in good order or by a reset. */
  | 'break'
  | 'cut'
  /** Says nothing until whoever asks goes away. */
  | 'hold';

/** Tokens of one call: of the whole prompt and the whole answer, and which parts of them are special. */
export interface Counted {
  readonly input: number;
  readonly output: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

/** Of some calls together. */
export function total(counts: readonly Counted[]): Counted {
  const sum = (part: keyof Counted): number => counts.reduce((tokens, counted) => tokens + counted[part], 0);
  return {
    input: sum('input'),
    output: sum('output'),
    cached: sum('cached'),
    cacheWrite: sum('cacheWrite'),
    reasoning: sum('reasoning'),
  };
}

/** How the vendor answers a call; its question says so. */
export interface CallScript {
  /** No other call has it. */
  readonly number: number;
  readonly acts: readonly Act[];
  /** Of text. */
  readonly chunks: number;
  readonly intervalMs: number;
  /** What the vendor says was used. */
  readonly counted: Counted;
}

/** What is asked to get the answer. */
export function questionOf({ number, acts, chunks, intervalMs, counted }: CallScript): string {
  const { input, output, cached, cacheWrite, reasoning } = counted;
  const tokens = [input, output, cached, cacheWrite, reasoning].join('+');
  return `call ${number} does ${acts.join('+')} in ${chunks} every ${intervalMs} of ${tokens} please`;
}

const question = /call (\d+) does ([a-z+]+) in (\d+) every (\d+) of ([\d+]+) please/;

/** The script in the body of a request, wherever it stands there; undefined for a request of nobody's. */
export function scriptIn(body: string): CallScript | undefined {
  const match = question.exec(body);
  if (match === null) return undefined;
  const [, number, acts = '', chunks, intervalMs, tokens = ''] = match;
  const [input = 0, output = 0, cached = 0, cacheWrite = 0, reasoning = 0] = tokens.split('+').map(Number);
  return {
    number: Number(number),
    acts: acts.split('+') as Act[], // Nobody else writes such questions.
    chunks: Number(chunks),
    intervalMs: Number(intervalMs),
    counted: { input, output, cached, cacheWrite, reasoning },
  };
}
