import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { ownerOf, type Owner } from '../common/owner.js';
import { ImportedThread } from './imported-thread.entity.js';
import { ThreadModel } from './thread-model.entity.js';
import { Thread } from './thread.entity.js';

/** What an import makes, but for the messages. */
export interface NewImportedThread {
  readonly thread: Thread;
  readonly origin: ImportedThread;
  readonly models: readonly ThreadModel[];
}

@Injectable()
export class ImportedThreadsRepository {
  constructor(@InjectRepository(ImportedThread) private readonly imported: Repository<ImportedThread>) {}

  find(
    owner: Owner,
    { source, sourceId }: Pick<ImportedThread, 'source' | 'sourceId'>,
  ): Promise<ImportedThread | null> {
    return this.imported.findOneBy({ ...ownerOf(owner), source, sourceId });
  }

  /** False when another transaction has imported the conversation: then this one is to be undone. */
  async insert({ thread, origin, models }: NewImportedThread, db: EntityManager): Promise<boolean> {
    await db.insert(Thread, thread);
    const inserted = await db
      .createQueryBuilder()
      .insert()
      .into(ImportedThread)
      .values(origin)
      .orIgnore()
      .returning('thread_id')
      .execute();
    // The rows that were inserted.
    if ((inserted.raw as unknown[]).length === 0) return false;
    await db.insert(ThreadModel, [...models]);
    return true;
  }
}
