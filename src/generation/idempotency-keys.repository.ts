import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Owner } from '../common/owner.js';
import type { Message } from '../messages/message.entity.js';
import type { IdempotencyKey } from './idempotency-key.entity.js';

/** How long a key is kept (conversations.md, promise 9), by the database's clock. */
const keptFor = `interval '24 hours'`;
const sweptAtOnce = 1000;

/** Which answer a request began, by the key that its sender made up. */
@Injectable()
export class IdempotencyKeysRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(
    owner: Owner,
    { route, key }: Pick<IdempotencyKey, 'route' | 'key'>,
  ): Promise<Pick<IdempotencyKey, 'fingerprint' | 'messageId'> | undefined> {
    const [known] = await this.dataSource.query<Pick<IdempotencyKey, 'fingerprint' | 'messageId'>[]>(
      `SELECT fingerprint, message_id AS "messageId" FROM idempotency_keys
        WHERE tenant_id = $1 AND user_id = $2 AND route = $3 AND key = $4 AND created_at > now() - ${keptFor}`,
      [owner.tenantId, owner.userId, route, key],
    );
    return known;
  }

  /**
   * Notes the answer that a request begins, in the transaction that begins it: of many at once one succeeds, the others wait for it.
   * @returns false when the key is known: then the transaction must not be committed
   */
  async claim(
    owner: Owner,
    { route, key, fingerprint }: Pick<IdempotencyKey, 'route' | 'key' | 'fingerprint'>,
    { threadId, id }: Message,
    db: EntityManager,
  ): Promise<boolean> {
    const claimed = await db.query<unknown[]>(
      `INSERT INTO idempotency_keys (tenant_id, user_id, route, key, fingerprint, thread_id, message_id, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, now())
       ON CONFLICT ON CONSTRAINT pk_idempotency_keys DO UPDATE
         SET fingerprint = excluded.fingerprint, thread_id = excluded.thread_id, message_id = excluded.message_id,
             created_at = excluded.created_at
         WHERE idempotency_keys.created_at <= now() - ${keptFor}
       RETURNING 1`,
      [owner.tenantId, owner.userId, route, key, fingerprint, threadId, id],
    );
    return claimed.length > 0;
  }

  async forgetOld(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM idempotency_keys WHERE (tenant_id, user_id, route, key) IN (
         SELECT tenant_id, user_id, route, key FROM idempotency_keys
          WHERE created_at <= now() - ${keptFor} LIMIT ${sweptAtOnce})`,
    );
  }
}
