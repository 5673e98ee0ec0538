import { Clock } from '../../src/common/clock.js';

/** Time that passes when a test says so. */
export class StillClock extends Clock {
  ms = 0;

  override now(): Date {
    return new Date(this.ms);
  }

  override monotonicMs(): number {
    return this.ms;
  }
}
