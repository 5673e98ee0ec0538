/** The current time, injected so that tests can fix it. Wall-clock: may jump; durations use `monotonicMs`. */
export abstract class Clock {
  abstract now(): Date;
  /** Milliseconds from an arbitrary start that never go backwards. */
  abstract monotonicMs(): number;
}

export class SystemClock extends Clock {
  override now(): Date {
    return new Date();
  }

  override monotonicMs(): number {
    return performance.now();
  }
}
