import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Owner } from '../common/owner.js';
import type { ImportedThread } from './imported-thread.entity.js';
import { ImportedThreadsRepository } from './imported-threads.repository.js';
import { previewOf, untitled } from './thread-texts.js';
import type { ThreadModel } from './thread-model.entity.js';

/** A conversation as another source knows it. */
export interface Origin {
  readonly source: string;
  readonly sourceId: string;
  readonly contentHash: Buffer;
}

/** A thread that somebody had elsewhere, with counters that are right. */
export interface ForeignThread {
  readonly id: string;
  readonly origin: Origin;
  /** Undefined when it had none. */
  readonly title: string | undefined;
  readonly archived: boolean;
  readonly messageCount: number;
  /** The last thing that was said on a current branch; empty when that was nothing. */
  readonly lastText: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly models: readonly Omit<ThreadModel, 'threadId' | 'tenantId' | 'userId' | 'summarizingUntil'>[];
}

/** Threads that come from elsewhere: each conversation of a source is there once for its owner. */
@Injectable()
export class ImportedThreadsService {
  constructor(private readonly imported: ImportedThreadsRepository) {}

  /** What is known of a conversation that was imported, and whose thread is still there. */
  find(owner: Owner, origin: Pick<Origin, 'source' | 'sourceId'>): Promise<ImportedThread | null> {
    return this.imported.find(owner, origin);
  }

  /**
   * Adds the thread, for a transaction that adds its messages after it.
   * @returns false when the conversation has been imported meanwhile: the transaction is to be undone
   */
  add({ tenantId, userId }: Owner, foreign: ForeignThread, db: EntityManager): Promise<boolean> {
    const { id, origin, title, lastText, models, ...columns } = foreign;
    const whose = { tenantId, userId };
    return this.imported.insert(
      {
        thread: {
          ...columns,
          ...whose,
          id,
          title: title ?? untitled,
          titleSource: title === undefined ? 'default' : 'person',
          clientId: null,
          lastMessagePreview: lastText === '' ? null : previewOf(lastText),
        },
        origin: { ...whose, ...origin, threadId: id },
        models: models.map((model) => ({ ...model, ...whose, threadId: id, summarizingUntil: null })),
      },
      db,
    );
  }
}
