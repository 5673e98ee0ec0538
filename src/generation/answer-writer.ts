import { Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { toWireId } from '../common/ids.js';
import { refusesData } from '../infrastructure/database/database-errors.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import { MessagesService } from '../messages/messages.service.js';
import { FollowUps, type AnsweredRoute } from './follow-ups.service.js';
import type { Outcome } from './generation-run.js';
import { Metering } from '../usage/metering.service.js';
import { Journal } from './journal.js';

/** How long the end of an answer is tried to be written while the database is away, in milliseconds. */
const patienceMs = 60_000;

/** `message` is the stored answer; it is missing only when the thread is gone or another replica ended the answer. */
export interface GenerationEnd {
  readonly message: Message | null;
  readonly failure: DomainError | undefined;
}

/** Writes how answers ended: content, usage and status in one transaction, with which the journal goes. */
@Injectable()
export class AnswerWriter {
  /** Answers whose end could not be written: for the sweep, once the database takes it. */
  readonly leftBehind = new Set<string>();
  private readonly impatience = new AbortController();

  constructor(
    private readonly messages: MessagesService,
    private readonly journal: Journal,
    private readonly metering: Metering,
    private readonly followUps: FollowUps,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Ends the patience with a database that is away: the process is about to end. */
  hurry(): void {
    this.impatience.abort();
  }

  /**
   * Tries for a minute. Never rejects: an answer that could not be stored is an interrupted one.
   * @param route what was asked, and how
   */
  async write(message: Message, outcome: Outcome, route: AnsweredRoute): Promise<GenerationEnd> {
    await this.journal.close(message.id);
    const end = await this.patiently(message, outcome, route);
    this.log.info(
      {
        messageId: toWireId('message', message.id),
        outcome: end.failure?.code ?? 'complete',
        durationMs: outcome.answer.durationMs,
        ...(end.failure === undefined ? {} : { err: end.failure }),
      },
      'generation ended',
    );
    return end;
  }

  private async patiently(message: Message, outcome: Outcome, route: AnsweredRoute): Promise<GenerationEnd> {
    const giveUpAt = this.clock.monotonicMs() + patienceMs;
    let ending = outcome;
    for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 1000)) {
      try {
        return await this.finish(message, ending, route);
      } catch (error) {
        this.log.error({ err: error }, 'the end of an answer could not be written');
        if (this.impatience.signal.aborted || this.clock.monotonicMs() > giveUpAt) {
          this.leftBehind.add(message.id);
          return { message: null, failure: interrupted(error) };
        }
        // The database answers and refuses: what the provider sent cannot be kept, but that it failed can.
        if (refusesData(error)) ending = unstorable(outcome, error);
        await wait(delayMs, undefined, { signal: this.impatience.signal }).catch(() => undefined);
      }
    }
  }

  private async finish(
    message: Message,
    { answer, failure, result }: Outcome,
    route: AnsweredRoute,
  ): Promise<GenerationEnd> {
    const { id } = message;
    const finished = await this.messages.finish(message, answer, async (db) => {
      await this.journal.clear(id, db);
      await this.metering.settle(id, result, db);
      if (answer.status === 'complete') await this.followUps.arrange(message, route, db);
    });
    if (finished !== null) return { message: finished, failure };
    // The thread may be gone, and what it used is not.
    await this.metering.settle(id, result);
    // Ended by somebody else, or by an earlier try of ours of which nobody heard that it was committed.
    const stored = await this.messages.find(message, id);
    return stored?.status === answer.status
      ? { message: stored, failure }
      : { message: null, failure: interrupted() };
  }
}

function interrupted(cause?: unknown): DomainError {
  return new DomainError('GENERATION_INTERRUPTED', { cause });
}

function unstorable({ answer, result }: Outcome, cause: unknown): Outcome {
  const failure = new DomainError('PROVIDER_INVALID_RESPONSE', { cause });
  const { durationMs, timeToFirstTokenMs } = answer;
  return {
    answer: { status: 'error', parts: [], errorCode: failure.code, durationMs, timeToFirstTokenMs },
    failure,
    result: { ...result, status: 'error', errorCode: failure.code },
  };
}
