import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  Any,
  In,
  IsNull,
  LessThan,
  MoreThan,
  type EntityManager,
  type FindOptionsWhere,
  type Repository,
} from 'typeorm';
import { readCursor, toPage, type Page, type PageQuery } from '../common/cursor.js';
import { ownerOf, type Owner } from '../common/owner.js';
import { Message } from './message.entity.js';
import { generatingStatuses, type EarlierMessage } from './message.js';

export interface MessageQuery {
  readonly threadId: string;
  readonly modelId?: string | undefined;
  /** Of each model its current branch, or everything. */
  readonly branch: 'current' | 'all';
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What the replica that asks knows of the answers that it holds. */
export interface OrphanQuery {
  readonly staleSeconds: number;
  readonly replicaId: string;
  readonly leftBehind: readonly string[];
  readonly running: readonly string[];
}

/** A message of a person, by what it says and after what. */
export type SaidBefore = Pick<Message, 'threadId' | 'modelId' | 'parentId' | 'content'>;

/** However short they are: a bound on what one post reads. */
const mostEarlierMessages = 400;

@Injectable()
export class MessagesRepository {
  constructor(@InjectRepository(Message) private readonly messages: Repository<Message>) {}

  findOwned(owner: Owner, id: string, db = this.messages.manager): Promise<Message | null> {
    return db.findOneBy(Message, { ...ownerOf(owner), id });
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
      ...(query.branch === 'all' ? {} : { onCurrentBranch: true }),
      ...(after === undefined ? {} : { id: query.order === 'asc' ? MoreThan(after[0]) : LessThan(after[0]) }),
    };
    const found = await this.messages.find({ where, order: { id: query.order }, take: limit + 1 });
    return toPage(pageQuery, found, (message) => [message.id]);
  }

  /**
   * A message and those above it, up to `maxBytes` of text together, newest first: by primary keys, whatever the size of the thread.
   * Parents are of the same owner and thread by their foreign key. `parentId` of the last says whether there are more.
   */
  upFrom(
    owner: Owner,
    { id, maxBytes }: { readonly id: string; readonly maxBytes: number },
    db: EntityManager,
  ): Promise<(EarlierMessage & Pick<Message, 'parentId'>)[]> {
    return db.query(
      `WITH RECURSIVE branch AS (
         SELECT id, parent_id, 1 AS length, octet_length(content)::bigint AS bytes FROM messages
          WHERE tenant_id = $1 AND user_id = $2 AND id = $3
         UNION ALL
         SELECT parent.id, parent.parent_id, length + 1, bytes + octet_length(parent.content)
           FROM branch JOIN messages parent ON parent.id = branch.parent_id
          WHERE length < ${mostEarlierMessages} AND bytes <= $4
       )
       SELECT id, role, content, parts, messages.parent_id AS "parentId"
         FROM branch JOIN messages USING (id) WHERE bytes <= $4 ORDER BY length`,
      [owner.tenantId, owner.userId, id, maxBytes],
    );
  }

  /**
   * Whether a message is another one or above it: looked for up to where the branch of that one leaves the current branch, on which all
   * that is older is current, and has the smaller id.
   */
  async isAtOrAbove(
    owner: Owner,
    { id, below }: { readonly id: string; readonly below: string },
    db: EntityManager,
  ): Promise<boolean> {
    const found = await db.query<unknown[]>(
      `WITH RECURSIVE branch AS (
         SELECT id, parent_id, on_current_branch FROM messages WHERE tenant_id = $1 AND user_id = $2 AND id = $4
         UNION ALL
         SELECT parent.id, parent.parent_id, parent.on_current_branch
           FROM branch JOIN messages parent ON parent.id = branch.parent_id
          WHERE NOT branch.on_current_branch
       )
       SELECT FROM messages WHERE tenant_id = $1 AND user_id = $2 AND id = $3
          AND (id IN (SELECT id FROM branch)
            OR on_current_branch AND id < (SELECT id FROM branch WHERE on_current_branch))`,
      [owner.tenantId, owner.userId, id, below],
    );
    return found.length > 0;
  }

  /**
   * Lets the current branch that ends with `from` end with `to` instead; null is the branch without messages. Only what leaves it or
   * joins it is written, and all is found by key, up to the fork.
   */
  async moveBranch(
    owner: Owner,
    { from, to }: { readonly from: string | null; readonly to: string | null },
    db: EntityManager,
  ): Promise<void> {
    await db.query(
      `WITH RECURSIVE joining AS (
         SELECT id, parent_id, on_current_branch FROM messages WHERE tenant_id = $1 AND user_id = $2 AND id = $4
         UNION ALL
         SELECT parent.id, parent.parent_id, parent.on_current_branch
           FROM joining JOIN messages parent ON parent.id = joining.parent_id
          WHERE NOT joining.on_current_branch
       ), leaving AS (
         SELECT $3::uuid AS id
         UNION ALL
         SELECT message.parent_id FROM leaving JOIN messages message ON message.id = leaving.id
          WHERE message.tenant_id = $1 AND message.user_id = $2
            AND message.id IS DISTINCT FROM (SELECT id FROM joining WHERE on_current_branch)
       )
       UPDATE messages SET on_current_branch = NOT on_current_branch
        WHERE id = ANY (ARRAY(
          SELECT id FROM joining WHERE NOT on_current_branch
          UNION ALL
          SELECT id FROM leaving WHERE id IS DISTINCT FROM (SELECT id FROM joining WHERE on_current_branch)))`,
      [owner.tenantId, owner.userId, from, to],
    );
  }

  /** Of messages those that are answers in the thread, in no order. */
  answersAmong(
    owner: Owner,
    threadId: string,
    ids: readonly string[],
  ): Promise<Pick<Message, 'id' | 'modelId'>[]> {
    return this.messages.find({
      select: { id: true, modelId: true },
      where: { ...ownerOf(owner), threadId, role: 'assistant', id: Any([...ids]) },
    });
  }

  /** The id of the last answer to a message of a person; of several that say the same in the same place, to the last one. */
  async lastAnswerTo(owner: Owner, { parentId, ...question }: SaidBefore): Promise<string | undefined> {
    const asked = await this.messages.findOne({
      select: { id: true },
      where: { ...ownerOf(owner), ...question, role: 'user', parentId: parentId ?? IsNull() },
      order: { id: 'DESC' },
    });
    if (asked === null) return undefined;
    const answer = await this.messages.findOne({
      select: { id: true },
      where: { ...ownerOf(owner), parentId: asked.id, role: 'assistant' },
      order: { id: 'DESC' },
    });
    return answer?.id;
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

  /** As one parameter, of bytes: to make one of each value took longer, and strings that pg was given live until a full collection. */
  async insert(messages: readonly Message[], db: EntityManager): Promise<void> {
    const { columns } = this.messages.metadata;
    const names = columns.map(({ databaseName }) => databaseName).join(', ');
    const rows = messages.map((message) =>
      Object.fromEntries(
        columns.map((column) => [column.databaseName, column.getEntityValue(message) as unknown]),
      ),
    );
    await db.query(
      `INSERT INTO messages (${names}) SELECT ${names} FROM json_populate_recordset(NULL::messages, $1)`,
      [Buffer.from(JSON.stringify(rows))],
    );
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

  /**
   * By an index that has nothing but what is being generated. Until the transaction ends nobody else counts for this owner: two that do
   * not see what the other has added would both find room.
   */
  async countGenerating(owner: Owner, db: EntityManager): Promise<number> {
    await db.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`generations ${owner.userId}`]);
    return db.countBy(Message, { ...ownerOf(owner), status: In(generatingStatuses) });
  }

  /**
   * Answers whose replica has given no sign of life for `staleSeconds`, by the database's clock; and of `replicaId` those among
   * `leftBehind`, and those that it began before `begunBefore`, by its own clock, and is not `running`: it never heard that they were
   * committed.
   */
  orphans(query: OrphanQuery & { readonly begunBefore: Date }): Promise<Message[]> {
    return this.messages
      .createQueryBuilder('message')
      .where('message.replicaId IS NOT NULL')
      .andWhere(
        `(message.id = ANY(:leftBehind)
          OR message.replica_id = :replicaId AND message.created_at < :begunBefore AND NOT message.id = ANY(:running)
          OR NOT EXISTS (
           SELECT 1 FROM replicas
           WHERE replicas.id = message.replica_id
             AND replicas.heartbeat_at > now() - make_interval(secs => :staleSeconds)))`,
        query,
      )
      .getMany();
  }
}
