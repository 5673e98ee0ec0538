import { DomainError } from '../../common/domain-error.js';

/** Lets a few do their work at once, a few more wait for it in order, and turns the others away. */
export class Turns {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly limits: {
      readonly mostAtOnce: number;
      readonly mostWaiting: number;
      /** What those are told who are turned away. */
      readonly retryAfterMs: number;
    },
  ) {}

  /** @throws DomainError LOGIN_BUSY, and the work is not begun */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    const { mostAtOnce, mostWaiting, retryAfterMs } = this.limits;
    if (this.running < mostAtOnce) this.running++;
    else if (this.waiting.length < mostWaiting) await new Promise<void>((go) => this.waiting.push(go));
    else throw new DomainError('LOGIN_BUSY', { retryAfterMs });
    try {
      return await work();
    } finally {
      // The place of whoever leaves is taken by whoever waits longest.
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
