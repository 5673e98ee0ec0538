import { Injectable } from '@nestjs/common';
import { toWireId } from '../common/ids.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import type { FinishedAnswer } from '../messages/message.js';
import { MessagesService } from '../messages/messages.service.js';
import { Metering } from '../usage/metering.service.js';
import { AnswerWriter } from './answer-writer.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { Journal } from './journal.js';
import { Replicas } from './replicas.js';
import { RunningGenerations } from './running-generations.js';

/**
 * A replica without a sign of life for this long is dead. Swept every 5 s, its answers are ended within 25 s of the 30 that
 * conversations.md, promise 5, allows; and a database that is away for 10 s makes nobody look dead.
 */
const staleSeconds = 20;

/**
 * Ends as interrupted what nobody else will end: answers of dead replicas, and our own that could not be written, or that we never
 * heard were committed.
 */
@Injectable()
export class OrphanSweep {
  constructor(
    private readonly messages: MessagesService,
    private readonly journal: Journal,
    private readonly writer: AnswerWriter,
    private readonly replicas: Replicas,
    private readonly running: RunningGenerations,
    private readonly keys: IdempotencyKeysRepository,
    private readonly metering: Metering,
    private readonly log: Log,
  ) {}

  /** Each answer in a transaction of its own: of many replicas that sweep at once one ends it, and one that fails stops none. */
  async run(): Promise<void> {
    await this.replicas.forgetOld();
    await this.keys.forgetOld();
    const held = {
      replicaId: this.replicas.own,
      leftBehind: [...this.writer.leftBehind],
      running: this.running.ids,
    };
    for (const message of await this.messages.orphans({ staleSeconds, ...held })) {
      await this.interrupt(message).catch((error: unknown) => {
        this.log.error({ err: error }, 'an answer could not be ended');
      });
    }
  }

  private async interrupt(message: Message): Promise<void> {
    const { id } = message;
    const answer: FinishedAnswer = {
      status: 'interrupted',
      parts: await this.journal.recover(id),
      errorCode: 'GENERATION_INTERRUPTED',
    };
    const ended = await this.messages.finish(message, answer, async (db) => {
      await this.journal.clear(id, db);
      await this.metering.abandon(id, db);
    });
    this.writer.leftBehind.delete(id);
    if (ended === null) return;
    this.log.warn({ messageId: toWireId('message', id) }, 'an answer that nobody ended is interrupted');
  }
}
