import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, type Repository } from 'typeorm';
import { LoginTransaction } from './login-transaction.entity.js';

/** Most rows that one clean-up deletes: it runs inside a login and must not be felt there. */
const cleanUpLimit = 100;

@Injectable()
export class LoginTransactionsRepository {
  constructor(
    @InjectRepository(LoginTransaction) private readonly transactions: Repository<LoginTransaction>,
  ) {}

  async insert(transaction: LoginTransaction): Promise<void> {
    await this.transactions.insert(transaction);
  }

  /** Removes the attempt and answers it: of any number of callers at once, to one. */
  async take(
    { stateHash, browserHash }: Pick<LoginTransaction, 'stateHash' | 'browserHash'>,
    now: Date,
  ): Promise<Pick<LoginTransaction, 'codeVerifier' | 'nonce' | 'returnTo' | 'issuer'> | undefined> {
    const result = await this.transactions
      .createQueryBuilder()
      .delete()
      .where({ stateHash, browserHash, expiresAt: MoreThan(now) })
      .returning('code_verifier AS "codeVerifier", nonce, issuer, return_to AS "returnTo"')
      .execute();
    // What the RETURNING clause says, which TypeORM does not type.
    return (
      result.raw as readonly Pick<LoginTransaction, 'codeVerifier' | 'nonce' | 'returnTo' | 'issuer'>[]
    )[0];
  }

  /** Deletes some of the attempts that nobody finished. */
  async deleteExpired(now: Date): Promise<void> {
    await this.transactions.query(
      `DELETE FROM login_transactions WHERE state_hash IN
         (SELECT state_hash FROM login_transactions WHERE expires_at <= $1
           ORDER BY expires_at LIMIT ${cleanUpLimit} FOR UPDATE SKIP LOCKED)`,
      [now],
    );
  }
}
