import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import { outsideRequests } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import { MessagesService } from '../messages/messages.service.js';
import { Journal, type JournalLook } from './journal.js';
import { LiveStream, type AnswerStream } from './live-stream.js';
import { appendLacking, finishFrom, lastEvent, startOf } from './stored-answer.js';

/** With the delay of the journal itself, readers are about 250 ms behind. */
const lookEveryMs = 100;

/** An answer that another replica generates, as far as its journal has been read. */
interface Followed {
  readonly answer: Message;
  readonly stream: LiveStream;
  readers: number;
  /** The last row that was read, which may still grow: its first event, how many there were, and the number before them. */
  row: number;
  events: number;
  before: number;
}

/**
 * Follows what other replicas generate by their journals. However many answers are followed, by however many readers, a replica asks
 * the database one question at a time, and holds no connection between them.
 */
@Injectable()
export class FollowedJournals implements BeforeApplicationShutdown {
  private readonly followed = new Map<string, Followed>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isClosing = false;

  constructor(
    private readonly journal: Journal,
    private readonly messages: MessagesService,
    private readonly log: Log,
  ) {}

  /** Followed from the first reader until the last one is gone or the answer has ended. */
  of(answer: Message): AnswerStream {
    return { follow: (after, gone) => this.follow(answer, after, gone) };
  }

  /** How many answers are followed. */
  get size(): number {
    return this.followed.size;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    clearTimeout(this.timer);
    await this.looking;
    for (const { stream } of this.followed.values()) stream.breakOff();
  }

  private async *follow(
    answer: Message,
    after: number,
    gone: AbortSignal,
  ): ReturnType<AnswerStream['follow']> {
    const followed = this.join(answer);
    followed.readers++;
    try {
      yield* followed.stream.follow(after, gone);
    } finally {
      if (--followed.readers === 0) this.leave(followed);
    }
  }

  private join(answer: Message): Followed {
    const known = this.followed.get(answer.id);
    if (known !== undefined) return known;
    const stream = new LiveStream();
    stream.append(startOf(answer));
    const followed: Followed = { answer, stream, readers: 0, row: 0, events: 0, before: stream.position };
    if (this.isClosing) stream.breakOff();
    else {
      this.followed.set(answer.id, followed);
      if (this.looking === undefined) this.lookSoon(0);
    }
    return followed;
  }

  private leave(followed: Followed): void {
    if (this.followed.get(followed.answer.id) === followed) this.followed.delete(followed.answer.id);
  }

  private lookSoon(delayMs: number): void {
    if (this.followed.size === 0 || this.isClosing) return;
    clearTimeout(this.timer);
    this.timer = outsideRequests(() =>
      setTimeout(() => {
        this.looking = this.look()
          .catch((error: unknown) => this.log.warn({ err: error }, 'journals could not be followed'))
          .finally(() => {
            this.looking = undefined;
            this.lookSoon(lookEveryMs);
          });
      }, delayMs),
    );
  }

  private async look(): Promise<void> {
    // As they are now: a place says nothing about an answer that is followed anew when the rows come.
    const asked = new Map(this.followed);
    const looks = await this.journal.look(
      [...asked.values()].map(({ answer, row, events }) => ({ messageId: answer.id, row, events })),
    );
    // All of them are over before the next look, whichever fails: none takes what another has taken.
    const taken = await Promise.allSettled(looks.map((look) => this.take(asked.get(look.messageId), look)));
    const failed = taken.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** @param followed as it was when the journal was asked */
  private async take(
    followed: Followed | undefined,
    { messageId, isGenerating, rows }: JournalLook,
  ): Promise<void> {
    if (followed === undefined || this.followed.get(messageId) !== followed) return;
    const { answer, stream } = followed;
    for (const { firstEvent, events } of rows) {
      if (firstEvent !== followed.row) followed.before = stream.position;
      followed.row = firstEvent;
      followed.events = events.length;
      appendLacking(stream, events, followed.before);
    }
    if (isGenerating) return;
    const finished = await this.messages.get(answer, messageId).catch(unlessGone);
    if (finished === undefined) {
      stream.append(lastEvent({ message: null, failure: undefined }));
      stream.append({ type: 'close' });
    } else finishFrom(finished, stream);
    this.leave(followed);
  }
}

function unlessGone(error: unknown): undefined {
  if (error instanceof DomainError && error.code === 'MESSAGE_NOT_FOUND') return undefined;
  throw error;
}
