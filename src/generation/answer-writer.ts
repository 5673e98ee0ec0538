import { Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { toWireId } from '../common/ids.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import { MessagesService } from '../messages/messages.service.js';
import type { Outcome } from './generation-run.js';
import { Journal } from './journal.js';
import { Replicas } from './replicas.js';

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
  constructor(
    private readonly messages: MessagesService,
    private readonly journal: Journal,
    private readonly replicas: Replicas,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Tries for a minute. Never rejects: an answer that could not be stored is an interrupted one. */
  async write(id: string, outcome: Outcome): Promise<GenerationEnd> {
    await this.journal.close(id);
    const end = await this.patiently(() => this.finish(id, outcome));
    this.log.info(
      {
        messageId: toWireId('message', id),
        outcome: end.failure?.code ?? 'complete',
        durationMs: outcome.answer.durationMs,
        ...(end.failure === undefined ? {} : { err: end.failure }),
      },
      'generation ended',
    );
    return end;
  }

  private async finish(id: string, { answer, failure }: Outcome): Promise<GenerationEnd> {
    const held = { id, replicaId: this.replicas.own };
    const message = await this.messages.finish(held, answer, (db) => this.journal.clear(id, db));
    return message === null ? { message, failure: interrupted() } : { message, failure };
  }

  private async patiently(finish: () => Promise<GenerationEnd>): Promise<GenerationEnd> {
    const giveUpAt = this.clock.monotonicMs() + patienceMs;
    for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 1000)) {
      try {
        return await finish();
      } catch (error) {
        this.log.error({ err: error }, 'the end of an answer could not be written');
        // Nobody may believe in an answer that is not stored: the sweep will end it as interrupted.
        if (this.clock.monotonicMs() > giveUpAt) return { message: null, failure: interrupted(error) };
        await wait(delayMs);
      }
    }
  }
}

function interrupted(cause?: unknown): DomainError {
  return new DomainError('GENERATION_INTERRUPTED', { cause });
}
