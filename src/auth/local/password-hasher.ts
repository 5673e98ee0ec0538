import { hash, needsRehash, verify } from 'argon2';
import { Injectable } from '@nestjs/common';
import { Turns } from './turns.js';

/** 19 MiB, twice, on one lane: OWASP Password Storage Cheat Sheet, argon2id. Memory in KiB. */
const cost = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const;

/**
 * argon2id. Each computation holds 19 MiB, and one of the four threads that name resolution and files need, too: a flood of
 * logins gets few of them at once, and whoever would wait for seconds is turned away.
 */
@Injectable()
export class PasswordHasher {
  private readonly turns = new Turns({ mostAtOnce: 2, mostWaiting: 30, retryAfterMs: 2000 });

  /**
   * In PHC form, with a salt of its own.
   * @throws DomainError LOGIN_BUSY
   */
  hash(password: Buffer): Promise<string> {
    return this.turns.take(() => hash(password, cost));
  }

  /** @throws DomainError LOGIN_BUSY */
  verify(passwordHash: string, password: Buffer): Promise<boolean> {
    return this.turns.take(() => verify(passwordHash, password));
  }

  /** Whether the hash was made at another cost than hashes are made now. */
  isOutdated(passwordHash: string): boolean {
    return needsRehash(passwordHash, cost);
  }
}
