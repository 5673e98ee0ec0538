import type { GenerationEvent, NumberedEvent } from './generation-event.js';
import { numberAfter, restOf } from './stream-position.js';

/** The events of one answer, for any number of readers. */
export interface AnswerStream {
  /** What comes after the event numbered `after`, 0 for everything, until `close`, or until the reader is gone. */
  follow(after: number, gone: AbortSignal): AsyncGenerator<NumberedEvent, void, undefined>;
}

/**
 * The events of one generation as they happen. Every reader walks the same log at its own pace: a slow one costs no memory
 * of its own, and one that comes late sees everything from the start.
 */
export class LiveStream implements AnswerStream {
  private readonly events: NumberedEvent[] = [];
  private isOver = false;
  private changed = Promise.withResolvers<undefined>();

  /** The number of the last event; 0 before the first. */
  get position(): number {
    return this.events.at(-1)?.number ?? 0;
  }

  /** @returns the number of the event */
  append(event: GenerationEvent): number {
    const number = numberAfter(this.position, event);
    this.events.push({ number, event });
    if (event.type === 'close') this.isOver = true;
    this.wake();
    return number;
  }

  /** Ends all reading where it is, without an end of the answer: whoever resumes misses nothing. */
  breakOff(): void {
    this.isOver = true;
    this.wake();
  }

  async *follow(after: number, gone: AbortSignal): AsyncGenerator<NumberedEvent, void, undefined> {
    const wake = (): void => this.wake();
    gone.addEventListener('abort', wake, { once: true });
    try {
      for (let index = 0; !gone.aborted;) {
        const event = this.events[index];
        if (event === undefined) {
          if (this.isOver) return;
          await this.changed.promise;
          continue;
        }
        index++;
        const rest = restOf(event, after);
        if (rest !== undefined) yield rest;
      }
    } finally {
      gone.removeEventListener('abort', wake);
    }
  }

  private wake(): void {
    const { resolve } = this.changed;
    this.changed = Promise.withResolvers();
    resolve(undefined);
  }
}
