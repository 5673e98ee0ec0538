import { Inject, Injectable } from '@nestjs/common';
import type { Caller } from '../auth/caller.js';
import { isModelGranted } from '../auth/granted-models.js';
import { DomainError } from '../common/domain-error.js';
import { ownerOf } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Replicas } from '../generation/replicas.js';
import type { StoredResponse } from './stored-response.entity.js';
import {
  StoredResponsesRepository,
  type ChainLink,
  type NewResponse,
} from './stored-responses.repository.js';

/** Responses in a row: longer conversations are for threads. */
const maxChainLength = 1000;

/** When somebody who has too many responses under way may try again, in milliseconds. */
const retryAfterMs = 5000;

/** What was said until now. */
export interface Conversation {
  /** The newest of its responses; null at the beginning. */
  readonly previousId: string | null;
  readonly length: number;
  /** Of the items, as JSON. */
  readonly bytes: number;
  /** All of them, oldest first, as they were given to `keep`. */
  readonly items: readonly unknown[];
}

/** A response as it is kept: with the items of its own alone. */
export interface KeptResponse extends Pick<StoredResponse, 'id' | 'modelId' | 'status'> {
  readonly conversation: Conversation;
  readonly response: object;
  readonly input: readonly object[];
  readonly output: readonly object[];
}

/** How a response ended that was begun in the background. */
export type Ending = Pick<KeptResponse, 'status' | 'response' | 'output'>;

/** A response as it was kept. */
export interface FoundResponse extends Pick<StoredResponse, 'id' | 'status' | 'background'> {
  readonly response: object;
  readonly input: readonly object[];
  readonly output: readonly object[];
}

const beginning: Conversation = { previousId: null, length: 0, bytes: 0, items: [] };

/**
 * The responses of programs, kept for those to whom they belong (docs/decisions/2026-11-21-responses.md). To a token that may not ask a
 * model its responses do not exist.
 */
@Injectable()
export class StoredResponses {
  private readonly keptDays: number;
  private readonly maxBytes: number;
  private readonly maxUnderWay: number;

  constructor(
    private readonly responses: StoredResponsesRepository,
    private readonly replicas: Replicas,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.keptDays = config['responses.keptDays'];
    this.maxBytes = config['server.v1BodyLimitBytes'];
    this.maxUnderWay = config['generation.maxConcurrentPerUser'];
  }

  /**
   * What a request continues, all of it: a conversation of which anything was deleted, or kept for long enough, cannot be continued.
   * @param input of the request, which must not make it longer than a request may be
   * @throws DomainError PREVIOUS_RESPONSE_NOT_FOUND, CONVERSATION_TOO_LONG
   */
  async continuing(
    caller: Caller,
    previousId: string | undefined,
    input: readonly object[],
  ): Promise<Conversation> {
    if (previousId === undefined) return beginning;
    const chain = await this.responses.chain(ownerOf(caller), previousId, this.keptDays);
    const newest = chain.at(-1);
    const isWhole =
      newest?.chainLength === chain.length &&
      chain.every((link) => isAnswered(link) && isModelGranted(caller, link.modelId));
    if (!isWhole) throw new DomainError('PREVIOUS_RESPONSE_NOT_FOUND', { param: 'previous_response_id' });
    const { chainLength: length, chainBytes: bytes } = newest;
    if (length >= maxChainLength || bytes + sizeOf(input) > this.maxBytes) {
      throw new DomainError('CONVERSATION_TOO_LONG', { param: 'previous_response_id' });
    }
    return {
      previousId,
      length,
      bytes,
      items: chain.flatMap((link) => [...parsed(link.input), ...parsed(link.output)]),
    };
  }

  /** Keeps a response that has ended. */
  async keep(caller: Caller, response: KeptResponse): Promise<void> {
    await this.responses.add(
      ownerOf(caller),
      { ...toRow(response), background: false, replicaId: null },
      undefined,
    );
  }

  /**
   * Keeps a response that is answered here, in the background.
   * @throws DomainError TOO_MANY_GENERATIONS
   */
  async begin(caller: Caller, response: KeptResponse): Promise<void> {
    const row = { ...toRow(response), background: true, replicaId: this.replicas.own };
    const limit = this.maxUnderWay === 0 ? undefined : this.maxUnderWay;
    if (await this.responses.add(ownerOf(caller), row, limit)) return;
    throw new DomainError('TOO_MANY_GENERATIONS', { retryAfterMs });
  }

  /** Ends what was begun, unless it was cancelled, deleted or given up meanwhile. */
  async end(caller: Caller, id: string, { status, response, output }: Ending): Promise<void> {
    await this.responses.end(ownerOf(caller), id, {
      ...{ status, response: JSON.stringify(response), output: JSON.stringify(output) },
      bytes: sizeOf(output),
    });
  }

  /** @throws DomainError RESPONSE_NOT_FOUND */
  async find(caller: Caller, id: string): Promise<FoundResponse> {
    const found = await this.responses.find(ownerOf(caller), id, this.keptDays);
    if (found === undefined || !isModelGranted(caller, found.modelId)) {
      throw new DomainError('RESPONSE_NOT_FOUND');
    }
    const { status, background, response, input, output } = found;
    return {
      ...{ id, status, background, response: JSON.parse(response) as object }, // As `toRow` wrote it.
      ...{ input: parsed(input), output: parsed(output) },
    };
  }

  /** For good: what continues from it cannot be continued any more. @throws DomainError RESPONSE_NOT_FOUND */
  async delete(caller: Caller, id: string): Promise<void> {
    await this.find(caller, id);
    await this.responses.delete(ownerOf(caller), id);
  }

  /**
   * Whoever answers it, on whatever replica, stops within a second; one that has ended stays as it is.
   * @throws DomainError RESPONSE_NOT_FOUND, RESPONSE_NOT_CANCELLABLE for what is not made in the background
   */
  async cancel(caller: Caller, id: string): Promise<FoundResponse> {
    const { background } = await this.find(caller, id);
    if (!background) throw new DomainError('RESPONSE_NOT_CANCELLABLE');
    await this.responses.cancel(ownerOf(caller), id);
    return this.find(caller, id);
  }
}

function isAnswered({ status }: ChainLink): boolean {
  return status === 'completed' || status === 'incomplete';
}

type Row = Omit<NewResponse, 'background' | 'replicaId'>;

function toRow({ id, modelId, status, conversation, response, input, output }: KeptResponse): Row {
  return {
    ...{ id, modelId, status, previousId: conversation.previousId },
    chainLength: conversation.length + 1,
    chainBytes: conversation.bytes + sizeOf(input) + sizeOf(output),
    response: JSON.stringify(response),
    input: JSON.stringify(input),
    output: JSON.stringify(output),
  };
}

function parsed(items: string): readonly object[] {
  return JSON.parse(items) as readonly object[]; // As `toRow` wrote them.
}

function sizeOf(items: readonly object[]): number {
  return Buffer.byteLength(JSON.stringify(items));
}
