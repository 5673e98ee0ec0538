import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import type { Owner, Role } from '../common/owner.js';
import { User } from './user.entity.js';

/** Who somebody is at their identity provider. */
export type Identity = Pick<User, 'issuer' | 'subject'>;

/** A user as they are now, and whether their tenant is suspended. */
export interface KnownUser extends Owner, Pick<User, 'username' | 'role' | 'status'> {
  readonly tenantStatus: 'active' | 'suspended';
}

@Injectable()
export class UsersRepository {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  /** False when the identity is known; of two first logins at once, the second waits for the first. */
  async insertIfNew(user: User, db: EntityManager): Promise<boolean> {
    const result = await db
      .createQueryBuilder(User, 'user')
      .insert()
      .values(user)
      .orIgnore()
      .returning('id')
      .execute();
    return (result.raw as readonly unknown[]).length > 0; // What the driver answered, which TypeORM does not type.
  }

  async update({ tenantId, userId }: Owner, change: Partial<User>, db: EntityManager): Promise<void> {
    await db.update(User, { tenantId, id: userId }, change);
  }

  findByIdentity({ issuer, subject }: Identity, db: EntityManager): Promise<User | null> {
    return db.findOneBy(User, { issuer, subject });
  }

  getByIdentity({ issuer, subject }: Identity, db: EntityManager): Promise<User> {
    return db.findOneByOrFail(User, { issuer, subject });
  }

  async hasAdmin(tenantId: string, db = this.users.manager): Promise<boolean> {
    return db.existsBy(User, { tenantId, role: 'admin', status: 'active', kind: 'person' });
  }

  /** False when nobody active in the tenant is this person. */
  async makeAdmin({ tenantId, userId }: Owner, at: Date, db: EntityManager): Promise<boolean> {
    const { affected } = await db.update(
      User,
      { tenantId, id: userId, status: 'active', kind: 'person' },
      { role: 'admin', updatedAt: at },
    );
    return affected === 1;
  }

  /** The roles of those of the users who are active, in a tenant that is. */
  async activeRoles(ids: readonly string[]): Promise<Map<string, Role>> {
    const rows = await this.users.query<{ id: string; role: Role }[]>(
      `SELECT person.id, person.role FROM users person JOIN tenants tenant ON tenant.id = person.tenant_id
        WHERE person.id = ANY($1) AND person.status = 'active' AND tenant.status = 'active'`,
      [ids],
    );
    return new Map(rows.map(({ id, role }) => [id, role]));
  }

  /** The user with this identity and how their tenant stands, by two unique keys: programs ask for it all the time. */
  async findKnown({ issuer, subject }: Identity): Promise<KnownUser | null> {
    const rows = await this.users.query<KnownUser[]>(
      `SELECT person.tenant_id AS "tenantId", person.id AS "userId", person.username, person.role, person.status,
              tenant.status AS "tenantStatus"
         FROM users person JOIN tenants tenant ON tenant.id = person.tenant_id
        WHERE person.issuer = $1 AND person.subject = $2`,
      [issuer, subject],
    );
    return rows[0] ?? null;
  }

  find({ tenantId, userId }: Owner): Promise<User | null> {
    return this.users.findOneBy({ tenantId, id: userId });
  }
}
