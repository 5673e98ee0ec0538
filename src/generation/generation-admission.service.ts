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
   * if the answer is there now, it lost against itself. Only a token that may not ask the model is not told either.
   * @throws DomainError IDEMPOTENCY_KEY_REUSED; what `begin` throws
   */
  async once(
    owner: Owner,
    request: RepeatableRequest | undefined,
    begin: () => Promise<Generation>,
  ): Promise<Generation> {
    if (request === undefined) return begin();
    const first = await this.beginOrJoin(owner, request, begin);
    if (first !== undefined) return first;
    // The key expired, or went with its thread, between being claimed and being looked for.
    const second = await this.beginOrJoin(owner, request, begin);
    if (second !== undefined) return second;
    throw new DomainError('GENERATION_IN_PROGRESS', { retryAfterMs });
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

  /** @returns undefined when the key was taken, and is no longer known */
  private async beginOrJoin(
    owner: Owner,
    request: RepeatableRequest,
    begin: () => Promise<Generation>,
  ): Promise<Generation | undefined> {
    try {
      return await begin();
    } catch (error) {
      // What became of it is unknown: whoever asks again will be told.
      if (isDatabaseUnavailable(error) || isNotGranted(error)) throw error;
      const begun = await this.begunBefore(owner, request);
      if (begun !== undefined) return this.streams.join(owner, begun);
      if (error instanceof KeyTakenError) return undefined;
      throw error;
    }
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

function isNotGranted(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'MODEL_NOT_GRANTED';
}
