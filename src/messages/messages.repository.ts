import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, LessThan, MoreThan, type EntityManager, type FindOptionsWhere, type Repository } from 'typeorm';
import { readCursor, toPage, type Page, type PageQuery } from '../common/cursor.js';
import type { Owner } from '../common/owner.js';
import { Message } from './message.entity.js';
import { generatingStatuses } from './message.js';

export interface MessageQuery {
  readonly threadId: string;
  readonly modelId?: string | undefined;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

@Injectable()
export class MessagesRepository {
  constructor(@InjectRepository(Message) private readonly messages: Repository<Message>) {}

  findOwned(owner: Owner, id: string): Promise<Message | null> {
    return this.messages.findOneBy({ ...ofOwner(owner), id });
  }

  /** By id: UUIDv7 made by us, so the order of ids is the order of time. */
  async page(owner: Owner, query: MessageQuery): Promise<Page<Message>> {
    const { limit, cursor, ...fingerprint } = query;
    const pageQuery: PageQuery = { limit, cursor, fingerprint };
    const after = readCursor(pageQuery, 'uuid');
    const where: FindOptionsWhere<Message> = {
      ...ofOwner(owner),
      threadId: query.threadId,
      ...(query.modelId === undefined ? {} : { modelId: query.modelId }),
      ...(after === undefined ? {} : { id: query.order === 'asc' ? MoreThan(after[0]) : LessThan(after[0]) }),
    };
    const found = await this.messages.find({ where, order: { id: query.order }, take: limit + 1 });
    return toPage(pageQuery, found, (message) => [message.id]);
  }

  /** The newest messages of a model in a thread, newest first. */
  newest(
    owner: Owner,
    thread: { readonly threadId: string; readonly modelId: string; readonly limit: number },
    db: EntityManager,
  ): Promise<Message[]> {
    const { threadId, modelId, limit } = thread;
    return db.find(Message, {
      where: { ...ofOwner(owner), threadId, modelId },
      order: { id: 'DESC' },
      take: limit,
    });
  }

  async insert(messages: Message[], db: EntityManager): Promise<void> {
    await db.insert(Message, messages);
  }

  generatingIn(owner: Owner, threadId: string): Promise<Message[]> {
    return this.messages.findBy({ ...ofOwner(owner), threadId, status: In(generatingStatuses) });
  }

  async requestCancel(owner: Owner, id: string): Promise<void> {
    await this.messages.update(
      { ...ofOwner(owner), id, status: In(generatingStatuses) },
      { cancelRequested: true },
    );
  }

  /** Of the messages, those that this replica still holds and nobody wants stopped. */
  async stillWanted(replicaId: string, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.messages.find({
      select: { id: true },
      where: { id: In(ids), replicaId, cancelRequested: false },
    });
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Writes the end of an answer, if the replica still holds it.
   * @returns the finished message, or null when it is gone or another replica has ended it
   */
  async finish(
    held: { readonly id: string; readonly replicaId: string },
    change: Partial<Message>,
    db: EntityManager,
  ): Promise<Message | null> {
    const { affected } = await db.update(
      Message,
      { ...held, status: In(generatingStatuses) },
      { ...change, replicaId: null },
    );
    return affected === 1 ? db.findOneBy(Message, { id: held.id }) : null;
  }

  /** Up to `limit` messages whose replica has given no sign of life for `staleSeconds`, locked; others' picks are left out. */
  orphaned(staleSeconds: number, limit: number, db: EntityManager): Promise<Message[]> {
    return db
      .createQueryBuilder(Message, 'message')
      .where(
        `message.replicaId IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM replicas
           WHERE replicas.id = message.replica_id
             AND replicas.heartbeat_at > now() - make_interval(secs => :staleSeconds))`,
        { staleSeconds },
      )
      .limit(limit)
      .setLock('pessimistic_write')
      .setOnLocked('skip_locked')
      .getMany();
  }
}

function ofOwner({ tenantId, userId }: Owner): Owner {
  return { tenantId, userId };
}
