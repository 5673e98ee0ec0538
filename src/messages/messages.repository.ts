import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, LessThan, MoreThan, type EntityManager, type FindOptionsWhere, type Repository } from 'typeorm';
import { readCursor, toPage, type Page, type PageQuery } from '../common/cursor.js';
import { ownerOf, type Owner } from '../common/owner.js';
import { Message } from './message.entity.js';
import { generatingStatuses, type EarlierMessage } from './message.js';

export interface MessageQuery {
  readonly threadId: string;
  readonly modelId?: string | undefined;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** However short they are: a bound on what one post reads. */
const mostEarlierMessages = 400;

@Injectable()
export class MessagesRepository {
  constructor(@InjectRepository(Message) private readonly messages: Repository<Message>) {}

  findOwned(owner: Owner, id: string): Promise<Message | null> {
    return this.messages.findOneBy({ ...ownerOf(owner), id });
  }

  /** By id: UUIDv7 made by us, so the order of ids is the order of time. */
  async page(owner: Owner, query: MessageQuery): Promise<Page<Message>> {
    const { limit, cursor, ...fingerprint } = query;
    const pageQuery: PageQuery = { limit, cursor, fingerprint };
    const after = readCursor(pageQuery, 'uuid');
    const where: FindOptionsWhere<Message> = {
      ...ownerOf(owner),
      threadId: query.threadId,
      ...(query.modelId === undefined ? {} : { modelId: query.modelId }),
      ...(after === undefined ? {} : { id: query.order === 'asc' ? MoreThan(after[0]) : LessThan(after[0]) }),
    };
    const found = await this.messages.find({ where, order: { id: query.order }, take: limit + 1 });
    return toPage(pageQuery, found, (message) => [message.id]);
  }

  /** The newest messages of a model in a thread that together are of at most `maxBytes` of text, newest first. */
  newest(
    owner: Owner,
    thread: { readonly threadId: string; readonly modelId: string; readonly maxBytes: number },
    db: EntityManager,
  ): Promise<EarlierMessage[]> {
    return db.query(
      `SELECT role, content, parts FROM messages
       JOIN (
         SELECT id, sum(octet_length(content)) OVER (ORDER BY id DESC) AS bytes FROM messages
         WHERE tenant_id = $1 AND user_id = $2 AND thread_id = $3 AND model_id = $4
         ORDER BY id DESC LIMIT ${mostEarlierMessages}
       ) newest USING (id)
       WHERE bytes <= $5 ORDER BY id DESC`,
      [owner.tenantId, owner.userId, thread.threadId, thread.modelId, thread.maxBytes],
    );
  }

  /** The id of the last message of a thread, of whichever model. */
  async newestId(owner: Owner, threadId: string, db: EntityManager): Promise<string | undefined> {
    const [newest] = await db.find(Message, {
      select: { id: true },
      where: { ...ownerOf(owner), threadId },
      order: { id: 'DESC' },
      take: 1,
    });
    return newest?.id;
  }

  async insert(messages: Message[], db: EntityManager): Promise<void> {
    await db.insert(Message, messages);
  }

  generatingIn(owner: Owner, threadId: string): Promise<Message[]> {
    return this.messages.findBy({ ...ownerOf(owner), threadId, status: In(generatingStatuses) });
  }

  async requestCancel(owner: Owner, id: string): Promise<void> {
    await this.messages.update(
      { ...ownerOf(owner), id, status: In(generatingStatuses) },
      { cancelRequested: true },
    );
  }

  /**
   * Of the messages, those that this replica still holds, that nobody wants stopped, and whose owner is active, in a tenant that
   * is: by primary keys, hence the join across rooms.
   */
  async stillWanted(replicaId: string, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.messages.query<{ id: string }[]>(
      `SELECT message.id FROM messages message
         JOIN users person ON person.id = message.user_id AND person.tenant_id = message.tenant_id
         JOIN tenants tenant ON tenant.id = message.tenant_id
        WHERE message.id = ANY($2) AND message.replica_id = $1 AND NOT message.cancel_requested
          AND person.status = 'active' AND tenant.status = 'active'`,
      [replicaId, ids],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Writes the end of an answer, once: whoever comes second changes nothing.
   * @returns the finished message, or null when it is gone or somebody else has ended it
   */
  async finish(message: Message, change: Partial<Message>, db: EntityManager): Promise<Message | null> {
    const { id } = message;
    const { affected } = await db.update(
      Message,
      { ...ownerOf(message), id, status: In(generatingStatuses) },
      { ...change, replicaId: null },
    );
    return affected === 1 ? db.findOneBy(Message, { ...ownerOf(message), id }) : null;
  }

  /** Answers whose replica has given no sign of life for `staleSeconds`, by the database's clock, or that are among `ids`. */
  orphans(staleSeconds: number, ids: readonly string[]): Promise<Message[]> {
    return this.messages
      .createQueryBuilder('message')
      .where('message.replicaId IS NOT NULL')
      .andWhere(
        `(message.id = ANY(:ids) OR NOT EXISTS (
           SELECT 1 FROM replicas
           WHERE replicas.id = message.replica_id
             AND replicas.heartbeat_at > now() - make_interval(secs => :staleSeconds)))`,
        { staleSeconds, ids },
      )
      .getMany();
  }
}
