import type { LoadRecord } from './model-load.entity.js';

/** One load as far as it is known here. Every follower walks with it, and sees of many changes at once the last. */
export class LoadView {
  private changed = Promise.withResolvers<undefined>();

  constructor(private current: LoadRecord) {}

  get latest(): LoadRecord {
    return this.current;
  }

  show(load: LoadRecord): void {
    this.current = load;
    const { resolve } = this.changed;
    this.changed = Promise.withResolvers();
    resolve(undefined);
  }

  /** The load as it is now, then each change, until it has ended or the signal aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<LoadRecord, void, undefined> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    let shown: LoadRecord | undefined;
    while (!signal.aborted) {
      if (shown !== undefined && !hasMoved(shown, this.current)) {
        await Promise.race([this.changed.promise, aborted]);
        continue;
      }
      shown = this.current;
      yield shown;
      if (shown.state !== 'loading') return;
    }
  }
}

function hasMoved(before: LoadRecord, after: LoadRecord): boolean {
  return before.state !== after.state || before.progress !== after.progress;
}
