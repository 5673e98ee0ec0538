import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { UsedLogoutToken } from './used-logout-token.entity.js';

/** Most rows that one clean-up deletes. */
const cleanUpLimit = 100;

@Injectable()
export class UsedLogoutTokensRepository {
  /** False when it was used before; of two at once, the second waits for the first. */
  async insertIfNew(token: UsedLogoutToken, db: EntityManager): Promise<boolean> {
    const result = await db
      .createQueryBuilder()
      .insert()
      .into(UsedLogoutToken)
      .values(token)
      .orIgnore()
      .returning('token_hash')
      .execute();
    return (result.raw as readonly unknown[]).length > 0; // What the driver answered, which TypeORM does not type.
  }

  /** Deletes some of those that would be refused by now without being remembered. */
  async deleteExpired(now: Date, db: EntityManager): Promise<void> {
    await db.query(
      `DELETE FROM used_logout_tokens WHERE token_hash IN
         (SELECT token_hash FROM used_logout_tokens WHERE expires_at <= $1
           ORDER BY expires_at LIMIT ${cleanUpLimit} FOR UPDATE SKIP LOCKED)`,
      [now],
    );
  }
}
