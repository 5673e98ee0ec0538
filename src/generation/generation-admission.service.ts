import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../common/domain-error.js';
import type { Owner } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { isDatabaseUnavailable } from '../infrastructure/database/database-errors.js';
import type { Message } from '../messages/message.entity.js';
import { MessagesService } from '../messages/messages.service.js';
import { AnswerStreams } from './answer-streams.js';
import type { Generation } from './generation-starter.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import type { RepeatableRequest } from './repeatable-request.js';

/** When somebody who has too many answers under way may try again, in milliseconds: most take longer, some end now. */
const retryAfterMs = 5000;

/** Lets each person have so many answers under way, on all replicas together, and each request begin one, however often it comes. */
@Injectable()
export class GenerationAdmission {
  private readonly maxConcurrent: number;

  constructor(
    private readonly messages: MessagesService,
    private readonly keys: IdempotencyKeysRepository,
    private readonly streams: AnswerStreams,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.maxConcurrent = config['generation.maxConcurrentPerUser'];
  }

  /**
   * Begins an answer, or joins the one that the same request began. Most come once: so it is tried first, and whatever it failed by,
   * if the answer is there now, it lost against itself.
   * @throws DomainError IDEMPOTENCY_KEY_REUSED; what `begin` throws
   */
  async once(
    owner: Owner,
    request: RepeatableRequest | undefined,
    begin: () => Promise<Generation>,
  ): Promise<Generation> {
    if (request === undefined) return begin();
    try {
      return await begin();
    } catch (error) {
      // What became of it is unknown: whoever asks again will be told.
      if (isDatabaseUnavailable(error)) throw error;
      const begun = await this.begunBefore(owner, request);
      if (begun === undefined) throw error;
      return this.streams.join(owner, begun);
    }
  }

  /**
   * In the transaction that adds a pending answer, after it was added.
   * @throws DomainError TOO_MANY_GENERATIONS
   */
  async enter(
    owner: Owner,
    request: RepeatableRequest | undefined,
    answer: Message,
    db: EntityManager,
  ): Promise<void> {
    if (this.maxConcurrent > 0 && (await this.messages.countGenerating(owner, db)) > this.maxConcurrent) {
      throw new DomainError('TOO_MANY_GENERATIONS', { retryAfterMs });
    }
    if (request === undefined || (await this.keys.claim(owner, request, answer, db))) return;
    throw new KeyTakenError();
  }

  /** The id of the answer. */
  private async begunBefore(owner: Owner, request: RepeatableRequest): Promise<string | undefined> {
    const known = await this.keys.find(owner, request);
    if (known?.fingerprint.equals(request.fingerprint) === false) {
      throw new DomainError('IDEMPOTENCY_KEY_REUSED');
    }
    return known?.messageId;
  }
}

/** Another request with the same key came first: undoes the transaction. */
class KeyTakenError extends Error {}
