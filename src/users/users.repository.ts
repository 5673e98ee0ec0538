import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Owner } from '../common/owner.js';
import { User } from './user.entity.js';

/** Who somebody is at their identity provider. */
export type Identity = Pick<User, 'issuer' | 'subject'>;

@Injectable()
export class UsersRepository {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  /** Does nothing when the identity is known; of two first logins at once, the second waits for the first. */
  async insertIfNew(user: User): Promise<void> {
    await this.users.createQueryBuilder().insert().values(user).orIgnore().execute();
  }

  async update(identity: Identity, change: Partial<User>): Promise<void> {
    await this.users.update(identity, change);
  }

  getByIdentity(identity: Identity): Promise<User> {
    return this.users.findOneByOrFail(identity);
  }

  find({ tenantId, userId }: Owner): Promise<User | null> {
    return this.users.findOneBy({ tenantId, id: userId });
  }
}
