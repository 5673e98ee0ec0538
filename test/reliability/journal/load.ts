import type { Person } from '../../support/parley.js';
import type { AnswerPlan } from '../installation/planned-upstream.js';
import type { SeededRandom } from '../seeded-random.js';
import type { Exchange } from './facts.js';
import { JournalClient, type Behaviour } from './journal-client.js';

/** What people do in a scene. */
export interface Habits {
  /** Threads of each person; in each, one question follows the other. */
  readonly threads: number;
  readonly chunks: readonly [least: number, most: number];
  readonly intervalMs: readonly [least: number, most: number];
  /** Shares of the answers that end in each way; none unless they say. */
  readonly broken?: number;
  readonly cancelled?: number;
  /** Then another thread is begun; all in one unless it says. */
  readonly questionsPerThread?: number;
}

const shareStreamed = 0.8;
const shareLeft = 0.3;

/** People who talk until they are told to stop, and the journal of all they were told. */
export class Load {
  readonly journal: Exchange[] = [];
  private readonly talking: Promise<void>[] = [];
  private isOver = false;
  private asked = 0;

  /** @param name begins every key: no other load on the same database has it */
  constructor(
    private readonly name: string,
    private readonly random: SeededRandom,
    private readonly habits: Habits,
  ) {}

  /** Resolves when every thread of theirs is there; then they talk. */
  async start(people: ReadonlyMap<string, Person>): Promise<void> {
    for (const [subject, person] of people) {
      for (let thread = 0; thread < this.habits.threads; thread++) {
        const threadId = await this.beginThread(person);
        this.talking.push(this.talk(subject, person, threadId));
      }
    }
  }

  /** How many questions have been carried out. */
  get done(): number {
    return this.asked - this.talking.length;
  }

  /** Nobody asks anything more; resolves when all were told how their last answer ended. */
  async finish(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.talking);
  }

  private beginThread(person: Person): Promise<string> {
    // A title of a person's own: no job gives it another.
    return person.createThread(`Load ${this.name}`);
  }

  private async talk(subject: string, person: Person, firstThreadId: string): Promise<void> {
    const client = new JournalClient(person);
    const { questionsPerThread = Infinity } = this.habits;
    let threadId = firstThreadId;
    for (let questions = 0; !this.isOver; questions++) {
      if (questions === questionsPerThread) {
        questions = 0;
        threadId = await this.beginThread(person);
      }
      const plan = this.nextPlan();
      const isStreamed = this.random.chance(shareStreamed);
      const exchange: Exchange = { plan, subject, threadId, isStreamed, facts: [] };
      this.journal.push(exchange);
      await client.carryOut(exchange, this.nextBehaviour(plan.chunks));
    }
  }

  private nextPlan(): AnswerPlan {
    const { random, habits } = this;
    const isBroken = random.chance(habits.broken ?? 0);
    return {
      key: `${this.name}-${++this.asked}`,
      chunks: random.between(...habits.chunks),
      intervalMs: random.between(...habits.intervalMs),
      ending: isBroken ? random.pick(['break', 'cut']) : 'complete',
    };
  }

  private nextBehaviour(chunks: number): Behaviour {
    const { random, habits } = this;
    if (random.chance(habits.cancelled ?? 0)) return { cancelsAfter: random.between(1, chunks) };
    return random.chance(shareLeft) ? { leavesAfter: random.between(1, chunks) } : {};
  }
}
