import { Injectable, type OnModuleInit } from '@nestjs/common';
import { newSecret } from '../opaque-secret.js';
import { PasswordHasher } from './password-hasher.js';

/** Passwords of people. */
@Injectable()
export class Passwords implements OnModuleInit {
  /** Stands in for the hash of those who have none. */
  private decoy = '';

  constructor(private readonly hasher: PasswordHasher) {}

  async onModuleInit(): Promise<void> {
    this.decoy = await this.hash(newSecret());
  }

  /** @throws DomainError LOGIN_BUSY */
  hash(password: string): Promise<string> {
    return this.hasher.hash(bytesOf(password));
  }

  /**
   * Whether it is the password behind the hash. The same work is done when there is none, and the answer is no.
   * @throws DomainError LOGIN_BUSY
   */
  async matches(passwordHash: string | undefined, password: string): Promise<boolean> {
    const isMatch = await this.hasher.verify(passwordHash ?? this.decoy, bytesOf(password));
    return isMatch && passwordHash !== undefined;
  }

  /** Whether the hash is to be made anew while the password is known. */
  isOutdated(passwordHash: string): boolean {
    return this.hasher.isOutdated(passwordHash);
  }
}

/** However the keyboard composed it (NIST SP 800-63B, 3.1.1.2). */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'));
}
