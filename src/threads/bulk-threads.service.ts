import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { firstWithin } from '../common/first-within.js';
import { toWireId } from '../common/ids.js';
import type { Owner } from '../common/owner.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { ThreadDeletion } from './thread-deletion.js';
import { ThreadsRepository } from './threads.repository.js';

/** So few that whoever waits for the lock of one of them does not wait long: a thread is deleted with all its messages. */
const deletedAtOnce = 20;
const messagesDeletedAtOnce = 5000;
const archivedAtOnce = 500;

export interface DeletedThreads {
  readonly threads: number;
  readonly messages: number;
}

/** What is done to all threads of a person that are there when it is asked for: a few at a time, so that a failure half-way leaves whole threads. */
@Injectable()
export class BulkThreadsService {
  constructor(
    private readonly threads: ThreadsRepository,
    private readonly deletion: ThreadDeletion,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
  ) {}

  /** @returns how many threads this has archived */
  async archiveAll(owner: Owner): Promise<number> {
    let archived = 0;
    let after: string | undefined;
    const last = await this.threads.newestId(owner);
    if (last === undefined) return archived;
    for (;;) {
      const range = { after, last, archived: false, limit: archivedAtOnce };
      const ids = (await this.threads.within(owner, range)).map(({ id }) => id);
      if (ids.length === 0) return archived;
      archived += await this.threads.archive(owner, ids);
      after = ids.at(-1);
    }
  }

  /**
   * Removes every thread with its messages, archived ones too, after what is being generated in them was stopped. What is deleted
   * is on record with it: one entry for many threads, several for very many.
   */
  async deleteAll(owner: Owner): Promise<DeletedThreads> {
    const deleted = { threads: 0, messages: 0 };
    let after: string | undefined;
    const last = await this.threads.newestId(owner);
    if (last === undefined) return deleted;
    for (;;) {
      const next = await this.threads.within(owner, { after, last, archived: 'all', limit: deletedAtOnce });
      if (next.length === 0) return deleted;
      const ids = firstWithin(messagesDeletedAtOnce, next, ({ messageCount }) => messageCount).map(
        ({ id }) => id,
      );
      for (const id of ids) await this.deletion.announce(owner, id);
      const { threads, messages } = await this.delete(owner, ids);
      deleted.threads += threads;
      deleted.messages += messages;
      after = ids.at(-1);
    }
  }

  private delete(owner: Owner, ids: readonly string[]): Promise<DeletedThreads> {
    return this.transactions.run(async (db) => {
      const deleted = await this.threads.deleteAll(owner, ids, db);
      if (deleted.threads === 0) return deleted;
      await this.audit.record(
        {
          tenantId: owner.tenantId,
          action: 'thread.deleted',
          target: { kind: 'user', id: toWireId('user', owner.userId) },
          details: { ...deleted },
        },
        db,
      );
      return deleted;
    });
  }
}
