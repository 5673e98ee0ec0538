import type { GenerationEvent, NumberedEvent } from './generation-event.js';

/**
 * The events of one generation as they happen. Every reader walks the same log at its own pace: a slow one costs no memory
 * of its own, and one that comes late sees everything from the start.
 */
export class LiveStream {
  private readonly events: GenerationEvent[] = [];
  private ended = false;
  private changed = Promise.withResolvers<undefined>();

  /** @returns the number of the event */
  append(event: GenerationEvent): number {
    const number = this.events.push(event);
    if (event.type === 'close') this.ended = true;
    const { resolve } = this.changed;
    this.changed = Promise.withResolvers();
    resolve(undefined);
    return number;
  }

  /** All events from the first, then what follows, until `close`. */
  async *follow(): AsyncGenerator<NumberedEvent, void, undefined> {
    for (let number = 1; ; number++) {
      while (this.events.length < number) {
        if (this.ended) return;
        await this.changed.promise;
      }
      const event = this.events[number - 1];
      if (event !== undefined) yield { number, event };
    }
  }
}
