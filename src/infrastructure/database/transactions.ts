import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { setTimeout as wait } from 'node:timers/promises';
import { isRetryable } from './database-errors.js';

const maxAttempts = 4;

/** Runs work in one database transaction. Never wait for anything but the database inside it. */
@Injectable()
export class Transactions {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Commits when `work` resolves and rolls back when it throws. A transaction that lost a race (SQLSTATE 40001 or 40P01) is
   * run again from the start, up to three times with jittered backoff: `work` must have no effect outside the database.
   */
  async run<Result>(work: (db: EntityManager) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.dataSource.transaction(work);
      } catch (error) {
        if (attempt === maxAttempts || !isRetryable(error)) throw error;
        await wait(Math.random() * 10 * 2 ** attempt);
      }
    }
  }
}
