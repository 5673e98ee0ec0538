import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { firstWithin } from '../common/first-within.js';
import { ownerOf, type Owner } from '../common/owner.js';
import type { Message } from './message.entity.js';
import { textOf } from './message.js';
import { MessagesRepository } from './messages.repository.js';

/** So few in one statement that indexing their text stays far from the statement time-out. */
const rowsAtOnce = 200;
const charactersAtOnce = 500_000;

/** A message that was written elsewhere and has ended; its text is that of its parts. */
export type ForeignMessage = Omit<
  Message,
  'tenantId' | 'userId' | 'threadId' | 'content' | 'replicaId' | 'cancelRequested'
>;

/** Messages that come from elsewhere, with a thread that is new. */
@Injectable()
export class ImportedMessagesService {
  constructor(private readonly messages: MessagesRepository) {}

  /**
   * Adds messages to a thread that this transaction has made.
   * @param foreign parents before their children, ids in the same order, `onCurrentBranch` on the way to each model's leaf alone
   */
  async add(
    owner: Owner,
    threadId: string,
    foreign: readonly ForeignMessage[],
    db: EntityManager,
  ): Promise<void> {
    const rows = foreign.map((message): Message => ({
      ...message,
      ...ownerOf(owner),
      threadId,
      content: textOf(message.parts),
      replicaId: null,
      cancelRequested: false,
    }));
    for (let done = 0; done < rows.length;) {
      const next = rows.slice(done, done + rowsAtOnce);
      const batch = firstWithin(charactersAtOnce, next, ({ content }) => content.length);
      await this.messages.insert(batch, db);
      done += batch.length;
    }
  }
}
