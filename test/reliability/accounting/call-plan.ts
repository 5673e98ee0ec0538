import type { SeededRandom } from '../seeded-random.js';
import type { Act, CallScript } from './call-script.js';
import { doorWords, type AskedDoor } from './doors.js';

/** What whoever asks does: at some time, once the vendor was asked, or in the middle of the answer. */
export type Behaviour =
  | 'reads'
  | 'leaves at some time'
  | 'leaves once asked'
  | 'leaves in the middle'
  | 'cancels once asked'
  | 'cancels in the middle';

/** Why a call is refused, which then is no call of a model. */
export type Refusal = 'body' | 'model' | 'parameter' | 'budget' | 'token';

/** One call, and everything that is to happen to it. */
export interface CallPlan extends CallScript {
  readonly door: AskedDoor;
  readonly streams: boolean;
  /** Of responses: made while nobody waits for it. */
  readonly isBackground: boolean;
  /** No two calls have the same model and token: so their records are told apart. */
  readonly model: string;
  readonly token: number;
  readonly behaviour: Behaviour;
  /** Milliseconds, or pieces of the answer, after which it is done. */
  readonly moment: number;
  readonly maxOutputTokens: number;
  readonly refusal: Refusal | undefined;
}

/** Models of each vendor, and routers from one to the other. */
const modelsOfEach = 20;
export const models = {
  compatible: named('compatible'),
  claude: named('claude-counted'),
  router: named('router'),
} as const;
type Family = keyof typeof models;

/** Of a budget that is spent. */
export const spentToken = 0;

function named(family: string): readonly string[] {
  return Array.from({ length: modelsOfEach }, (_, index) => `${family}-${index}`);
}

interface Weighed<Choice> {
  readonly weight: number;
  readonly choice: Choice;
}

const weighed = <Choice>(weight: number, choice: Choice): Weighed<Choice> => ({ weight, choice });

const doors: readonly Weighed<AskedDoor>[] = [
  weighed(26, 'openai-chat'),
  weighed(20, 'anthropic-messages'),
  weighed(14, 'openai-responses'),
  weighed(8, 'openai-completions'),
  weighed(7, 'openai-embeddings'),
  weighed(15, 'native'),
  weighed(10, 'ai-sdk'),
];

const endings: readonly Weighed<readonly Act[]>[] = [
  weighed(52, ['whole']),
  weighed(5, ['uncounted']),
  weighed(5, ['fail', 'whole']),
  weighed(4, ['limit', 'whole']),
  weighed(4, ['nothing', 'fail', 'whole']),
  weighed(4, ['fail']),
  weighed(3, ['limit']),
  weighed(3, ['nothing']),
  weighed(4, ['refuse']),
  weighed(5, ['report']),
  weighed(6, ['break']),
  weighed(5, ['cut']),
];

const behaviours: readonly Weighed<Behaviour>[] = [
  weighed(60, 'reads'),
  weighed(8, 'leaves at some time'),
  weighed(8, 'leaves once asked'),
  weighed(8, 'leaves in the middle'),
  weighed(8, 'cancels once asked'),
  weighed(8, 'cancels in the middle'),
];

const shareRefused = 0.06;
const refusals: readonly Refusal[] = ['body', 'model', 'parameter', 'budget', 'token'];

/** Plans calls as the seed has them. */
export class CallPlans {
  /** Pairs of model and token that are taken, by family: the spent token is not for them. */
  private readonly taken: Record<Family, number> = { compatible: 0, claude: 0, router: 0 };
  private planned = 0;

  constructor(private readonly random: SeededRandom) {}

  next(): CallPlan {
    const { random } = this;
    const isRefused = random.chance(shareRefused);
    const refusal = isRefused ? random.pick(refusals) : undefined;
    const door = refusal === 'parameter' ? 'openai-chat' : this.pick(doors);
    const number = ++this.planned;
    return {
      ...{ number, door, refusal },
      ...this.manner(door),
      ...this.place(number, door, refusal),
      chunks: random.between(2, 8),
      intervalMs: random.between(0, 4),
      counted: this.counted(),
      maxOutputTokens: 6000,
      ...(isRefused ? { behaviour: 'reads' } : {}),
    };
  }

  private manner(
    door: AskedDoor,
  ): Pick<CallPlan, 'streams' | 'isBackground' | 'behaviour' | 'moment' | 'acts'> {
    const { random } = this;
    const isBackground = door === 'openai-responses' && random.chance(0.2);
    const streams = doorWords[door].canStream && !isBackground && (door === 'ai-sdk' || random.chance(0.6));
    const behaviour = possible(this.pick(behaviours), { door, streams, isBackground });
    const isHeld = behaviour.endsWith('once asked') && random.chance(0.5);
    // Nobody stops an answer in a thread by leaving.
    const canBeHeld = behaviour.startsWith('cancels') || !doorWords[door].isForThreads;
    const acts: readonly Act[] = isHeld && canBeHeld ? ['hold'] : this.pick(endings);
    const moment = behaviour === 'leaves at some time' ? random.between(0, 40) : random.between(1, 4);
    return { streams, isBackground, behaviour, moment, acts };
  }

  private place(
    number: number,
    door: AskedDoor,
    refusal: Refusal | undefined,
  ): Pick<CallPlan, 'model' | 'token'> {
    switch (refusal) {
      case undefined:
        return this.untaken(door === 'openai-embeddings' ? 'compatible' : this.random.pick(families));
      case 'model':
        return { model: `nobody-has-${number}`, token: 1 };
      case 'parameter':
        return this.untaken('claude');
      case 'budget':
        return { model: this.random.pick(models.compatible.slice(1)), token: spentToken };
      case 'body':
      case 'token':
        return this.untaken('compatible');
    }
  }

  private untaken(family: Family): Pick<CallPlan, 'model' | 'token'> {
    const place = this.taken[family]++;
    return {
      model: models[family][place % modelsOfEach] ?? '',
      token: spentToken + 1 + Math.floor(place / modelsOfEach),
    };
  }

  private counted(): CallPlan['counted'] {
    const { random } = this;
    const input = random.between(1, 50_000);
    const output = random.between(1, 5000);
    const part = (of: number): number => (random.chance(0.4) ? random.between(0, Math.floor(of / 2)) : 0);
    return { input, output, cached: part(input), cacheWrite: part(input), reasoning: part(output) };
  }

  private pick<Choice>(choices: readonly Weighed<Choice>[]): Choice {
    const total = choices.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.random.next() * total;
    const found = choices.find(({ weight }) => (left -= weight) < 0);
    if (found === undefined) throw new Error('There is nothing to pick from.');
    return found.choice;
  }
}

const families: readonly Family[] = ['compatible', 'claude', 'router'];

/** What can be done by a door, else the next best. */
function possible(
  wanted: Behaviour,
  { door, streams, isBackground }: Pick<CallPlan, 'door' | 'streams' | 'isBackground'>,
): Behaviour {
  const canCancel = isBackground || (doorWords[door].isForThreads && streams);
  // Nobody waits for it.
  if (isBackground) return wanted === 'reads' ? wanted : 'cancels once asked';
  return wanted.startsWith('cancels') && !canCancel ? 'reads' : wanted;
}
