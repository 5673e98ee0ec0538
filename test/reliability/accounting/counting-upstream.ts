import { setTimeout as wait } from 'node:timers/promises';
import type { Exchange } from '../../../bench/upstream/exchange.js';
import { ScriptedUpstream } from '../../../bench/upstream/scripted-upstream.js';
import { json } from '../../../bench/upstream/scripts.js';
import { scriptIn, type Act, type CallScript, type Counted } from './call-script.js';
import { vendorRoutes, type VendorWords } from './vendor-words.js';

const statuses: Readonly<Partial<Record<Act, number>>> = { refuse: 400, limit: 429, fail: 500 };

/** One request of a call, as the vendor has it in its own books. */
export interface Attempt {
  readonly provider: VendorWords['provider'];
  readonly model: string;
  readonly act: Act;
  /** What it said was used; undefined for as long as it has not. */
  stated: Counted | undefined;
  /** Of text, that it has sent. */
  pieces: number;
  /** It has sent everything, or is about to send the last of it. */
  isWhole: boolean;
}

/** Two vendors that do with each call what its question says, and count by themselves what they were asked and what they stated. */
export class CountingUpstream {
  private readonly attempts = new Map<number, Attempt[]>();
  private readonly waiting = new Map<number, () => void>();

  private constructor(private readonly upstream: ScriptedUpstream) {}

  static async start(): Promise<CountingUpstream> {
    const upstream = await ScriptedUpstream.start();
    const counting = new CountingUpstream(upstream);
    for (const [path, words] of vendorRoutes) {
      upstream.route('POST', path, (exchange) => counting.serve(exchange, words));
    }
    return counting;
  }

  get url(): string {
    return this.upstream.url;
  }

  /** What nobody asked for in a known way. */
  get surprises(): readonly unknown[] {
    return this.upstream.surprises;
  }

  attemptsOf(number: number): readonly Attempt[] {
    return this.attempts.get(number) ?? [];
  }

  /** Resolves when the vendor has got a request of the call; for one who waits. */
  async asked(number: number): Promise<void> {
    if (this.attemptsOf(number).length > 0) return;
    await new Promise<void>((resolve) => this.waiting.set(number, resolve));
  }

  stop(): Promise<void> {
    return this.upstream.stop();
  }

  private async serve(exchange: Exchange, words: VendorWords): Promise<void> {
    const { body } = exchange.request;
    const { model, stream } = JSON.parse(body) as { model: string; stream?: boolean }; // As all of the routes have it.
    const script = scriptIn(body);
    if (script === undefined) throw new Error(`Whose call is ${body}?`);
    const attempts = this.attempts.get(script.number) ?? [];
    const act = script.acts[attempts.length] ?? script.acts.at(-1) ?? 'whole';
    const { provider } = words;
    const attempt: Attempt = { provider, model, act, stated: undefined, pieces: 0, isWhole: false };
    this.attempts.set(script.number, [...attempts, attempt]);
    this.waiting.get(script.number)?.();
    const status = statuses[act];
    if (status !== undefined) await json(words.error, { status })(exchange);
    else if (act === 'nothing') exchange.cut();
    else if (act === 'hold') await exchange.closed;
    else if (stream === true) await answerByPieces(exchange, words, { script, attempt });
    else await answerWhole(exchange, words, { script, attempt });
  }
}

interface Answering {
  readonly script: CallScript;
  readonly attempt: Attempt;
}

/** Notes what is stated before it can have been read. */
function state({ script, attempt }: Answering, words: VendorWords): Counted | undefined {
  attempt.isWhole = true;
  attempt.pieces = script.chunks;
  attempt.stated = attempt.act === 'uncounted' ? undefined : words.countable(script.counted);
  return attempt.stated;
}

async function answerByPieces(exchange: Exchange, words: VendorWords, answering: Answering): Promise<void> {
  const { script, attempt } = answering;
  const { act } = attempt;
  const isBroken = act === 'report' || act === 'break' || act === 'cut';
  const chunks = isBroken ? Math.floor(script.chunks / 2) : script.chunks;
  exchange.head(200, { 'content-type': 'text/event-stream' });
  await exchange.write(words.begin(act === 'uncounted' ? undefined : words.countable(script.counted)));
  for (let index = 0; index < chunks; index++) {
    await wait(script.intervalMs);
    if (exchange.isClosed) return;
    attempt.pieces++;
    await exchange.write(words.piece(`word ${index} `));
  }
  if (act === 'break') exchange.halfClose();
  else if (act === 'cut') exchange.cut();
  else {
    if (act === 'report') await exchange.write(words.report);
    else if (!exchange.isClosed) await exchange.write(words.end(state(answering, words)));
    exchange.end();
  }
}

async function answerWhole(exchange: Exchange, words: VendorWords, answering: Answering): Promise<void> {
  const { script, attempt } = answering;
  const { act } = attempt;
  await wait(script.chunks * script.intervalMs);
  if (exchange.isClosed) return;
  const isCut = act === 'break' || act === 'cut';
  const counted = isCut || act === 'report' ? undefined : state(answering, words);
  const text = 'word '.repeat(script.chunks);
  const body = JSON.stringify(act === 'report' ? words.error : words.whole(text, counted));
  exchange.head(200, { 'content-type': 'application/json' });
  await exchange.write(isCut ? body.slice(0, body.length / 2) : body);
  if (act === 'break') exchange.halfClose();
  else if (act === 'cut') exchange.cut();
  else exchange.end();
}
