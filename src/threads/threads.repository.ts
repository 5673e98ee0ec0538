import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { And, In, LessThanOrEqual, MoreThan, type EntityManager, type Repository } from 'typeorm';
import { readCursor, toPage, type Page, type PageQuery } from '../common/cursor.js';
import { ownerOf, type Owner } from '../common/owner.js';
import { ThreadModel } from './thread-model.entity.js';
import { Thread } from './thread.entity.js';

export interface ThreadQuery {
  readonly orderBy: 'created_at' | 'updated_at';
  readonly order: 'asc' | 'desc';
  readonly archived: boolean | 'all';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface ThreadRange {
  readonly after: string | undefined;
  readonly last: string;
  readonly archived: boolean | 'all';
  readonly limit: number;
}

export interface AddedMessages {
  readonly modelId: string;
  /** How many; zero when the text of the last one changed. */
  readonly added: number;
  readonly leafId: string;
  readonly preview: string;
  readonly at: Date;
}

const sortProperty = { created_at: 'createdAt', updated_at: 'updatedAt' } as const;

@Injectable()
export class ThreadsRepository {
  constructor(
    @InjectRepository(Thread) private readonly threads: Repository<Thread>,
    @InjectRepository(ThreadModel) private readonly models: Repository<ThreadModel>,
  ) {}

  async insert(thread: Thread): Promise<void> {
    await this.threads.insert(thread);
  }

  /** Not when the owner has one of that client id: then it waits for who is adding that, and adds nothing. */
  async insertUnlessNamed(thread: Thread, db: EntityManager): Promise<void> {
    await db
      .createQueryBuilder()
      .insert()
      .into(Thread)
      .values(thread)
      .orIgnore()
      .updateEntity(false)
      .execute();
  }

  /** In no order. */
  findAllOwned(owner: Owner, ids: readonly string[]): Promise<Thread[]> {
    return this.threads.findBy({ ...ownerOf(owner), id: In(ids) });
  }

  findOwned(owner: Owner, id: string): Promise<Thread | null> {
    return this.threads.findOneBy({ ...ownerOf(owner), id });
  }

  findNamed(owner: Owner, clientId: string): Promise<Thread | null> {
    return this.threads.findOneBy({ ...ownerOf(owner), clientId });
  }

  /** Waits for other transactions on the thread to end, and makes later ones wait for this one. */
  findOwnedForUpdate(
    owner: Owner,
    by: Pick<Thread, 'id'> | { readonly clientId: string },
    db: EntityManager,
  ): Promise<Thread | null> {
    return db.findOne(Thread, {
      where: { ...ownerOf(owner), ...by },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async page(owner: Owner, query: ThreadQuery): Promise<Page<Thread>> {
    const { limit, cursor, ...fingerprint } = query;
    const pageQuery: PageQuery = { limit, cursor, fingerprint };
    const after = readCursor(pageQuery, 'time', 'uuid');
    const sortBy = sortProperty[query.orderBy];
    const direction = query.order === 'asc' ? 'ASC' : 'DESC';
    const rows = this.threads
      .createQueryBuilder('thread')
      .where(ownerOf(owner))
      .orderBy(`thread.${sortBy}`, direction)
      .addOrderBy('thread.id', direction)
      .limit(limit + 1);
    if (query.archived !== 'all') rows.andWhere({ archived: query.archived });
    if (after !== undefined) {
      const beyond = query.order === 'asc' ? '>' : '<';
      rows.andWhere(`(thread.${sortBy}, thread.id) ${beyond} (:time, :id)`, { time: after[0], id: after[1] });
    }
    const [found, totalCount] = await Promise.all([
      rows.getMany(),
      this.threads.countBy({
        ...ownerOf(owner),
        ...(query.archived === 'all' ? {} : { archived: query.archived }),
      }),
    ]);
    return toPage(pageQuery, found, (thread) => [thread[sortBy].toISOString(), thread.id], totalCount);
  }

  /** Whether the thread was there. */
  async update(
    owner: Owner,
    id: string,
    change: Partial<Pick<Thread, 'title' | 'titleSource' | 'archived' | 'updatedAt'>>,
  ): Promise<boolean> {
    const { affected } = await this.threads.update({ ...ownerOf(owner), id }, change);
    return affected === 1;
  }

  /** Without effect on a thread that has another title than the one that it was made with. It keeps its place in time. */
  async giveTitle(owner: Owner, id: string, title: string): Promise<void> {
    await this.threads.update(
      { ...ownerOf(owner), id, titleSource: 'default' },
      { title, titleSource: 'generated' },
    );
  }

  /** What each model has of the threads, by name. */
  modelsOf(owner: Owner, threadIds: readonly string[]): Promise<ThreadModel[]> {
    return this.models.find({
      where: { ...ownerOf(owner), threadId: In(threadIds) },
      order: { threadId: 'ASC', modelId: 'ASC' },
    });
  }

  modelOf(owner: Owner, threadId: string, modelId: string, db: EntityManager): Promise<ThreadModel | null> {
    return db.findOneBy(ThreadModel, { ...ownerOf(owner), threadId, modelId });
  }

  /** Counts messages that were added to the branch of a model and moves its end. Answers whether the thread was there. */
  async recordMessages(owner: Owner, id: string, change: AddedMessages, db: EntityManager): Promise<boolean> {
    const { modelId, added, leafId, preview, at } = change;
    const { affected } = await db.update(
      Thread,
      { ...ownerOf(owner), id },
      { messageCount: () => `message_count + ${added}`, lastMessagePreview: preview, updatedAt: at },
    );
    if (affected !== 1) return false;
    await db.query(
      `INSERT INTO thread_models
         (thread_id, model_id, tenant_id, user_id, message_count, last_message_at, current_leaf_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (thread_id, model_id) DO UPDATE SET
         message_count = thread_models.message_count + excluded.message_count,
         last_message_at = excluded.last_message_at,
         current_leaf_id = excluded.current_leaf_id`,
      [id, modelId, owner.tenantId, owner.userId, added, at, leafId],
    );
    return true;
  }

  /**
   * The id of the thread that was made last. Among the owner's own first, said so that Postgres does it: else it may walk back
   * through the threads of everybody until it meets one of theirs.
   */
  async newestId(owner: Owner): Promise<string | undefined> {
    const [newest] = await this.threads.query<{ id: string }[]>(
      `WITH own AS MATERIALIZED (SELECT id FROM threads WHERE tenant_id = $1 AND user_id = $2)
       SELECT id FROM own ORDER BY id DESC LIMIT 1`,
      [owner.tenantId, owner.userId],
    );
    return newest?.id;
  }

  /** Threads that are still there, in order of id: the first `limit` after `after`, if that is given, up to `last`. */
  within(owner: Owner, page: ThreadRange): Promise<Pick<Thread, 'id' | 'messageCount'>[]> {
    const { after, last, archived, limit } = page;
    return this.threads.find({
      select: { id: true, messageCount: true },
      where: {
        ...ownerOf(owner),
        id: after === undefined ? LessThanOrEqual(last) : And(MoreThan(after), LessThanOrEqual(last)),
        ...(archived === 'all' ? {} : { archived }),
      },
      order: { id: 'ASC' },
      take: limit,
    });
  }

  /** Answers how many of the threads this has archived. They keep their place in time. */
  async archive(owner: Owner, ids: readonly string[]): Promise<number> {
    const { affected } = await this.threads.update(
      { ...ownerOf(owner), id: In(ids), archived: false },
      { archived: true },
    );
    return affected ?? 0;
  }

  /** Deletes of the threads those that are still there, in order of id so that nobody waits for each other. */
  async deleteAll(
    owner: Owner,
    ids: readonly string[],
    db: EntityManager,
  ): Promise<{ readonly threads: number; readonly messages: number }> {
    const threads = await db.find(Thread, {
      select: { id: true, messageCount: true },
      where: { ...ownerOf(owner), id: In(ids) },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
    await db.delete(Thread, { ...ownerOf(owner), id: In(threads.map(({ id }) => id)) });
    const messages = threads.reduce((sum, { messageCount }) => sum + messageCount, 0);
    return { threads: threads.length, messages };
  }

  /** Its messages go with it, by foreign key. */
  async delete(owner: Owner, id: string, db: EntityManager): Promise<void> {
    await db.delete(Thread, { ...ownerOf(owner), id });
  }
}
