import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import type { NumberedPageQuery } from '../common/numbered-page.js';
import type { Owner } from '../common/owner.js';
import { Profile } from './profile/profile.entity.js';
import { User } from './user.entity.js';

/** A user by the name that others see: the one they chose, else the one that their identity provider gives. */
export interface ListedUser extends User {
  readonly chosenName: string | null;
}

/** A user with what they chose for themselves, and what their tenant gives them. */
export interface UserDetails extends ListedUser, Pick<Profile, 'locale' | 'timeZone' | 'systemPrompt'> {
  readonly tenantSlug: string;
  readonly defaultTools: readonly string[];
}

/** Which users of a tenant: those for which everything holds that is given. */
export interface UserQuery extends NumberedPageQuery {
  readonly role?: User['role'] | undefined;
  readonly status?: User['status'] | undefined;
  readonly kind?: User['kind'] | undefined;
  /** Part of the username, the email address or a name, whatever the case. */
  readonly q?: string | undefined;
}

export type ProfileChange = Partial<Omit<Profile, 'userId' | 'tenantId' | 'updatedAt'>>;

const listed = `
  person.id, person.tenant_id AS "tenantId", person.issuer, person.subject, person.username,
  coalesce(profile.display_name, person.display_name) AS "displayName", profile.display_name AS "chosenName",
  person.email, person.role, person.status, person.kind,
  person.tool_allow AS "toolAllow", person.tool_deny AS "toolDeny", person.groups,
  person.created_at AS "createdAt", person.updated_at AS "updatedAt", person.last_login_at AS "lastLoginAt"`;

const people = `users person LEFT JOIN profiles profile ON profile.user_id = person.id`;

/** Users as administrators, and they themselves, look at them and change them. */
@Injectable()
export class UserDirectory {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  /** By three primary keys: what routes ask most, hence the join across rooms. */
  async findDetails({ tenantId, userId }: Owner): Promise<UserDetails | undefined> {
    const rows = await this.users.query<UserDetails[]>(
      `SELECT ${listed}, profile.locale, profile.time_zone AS "timeZone", profile.system_prompt AS "systemPrompt",
              tenant.slug AS "tenantSlug", tenant.default_tools AS "defaultTools"
         FROM ${people} JOIN tenants tenant ON tenant.id = person.tenant_id
        WHERE person.tenant_id = $1 AND person.id = $2`,
      [tenantId, userId],
    );
    return rows[0];
  }

  async find({ tenantId, userId }: Owner): Promise<ListedUser | undefined> {
    const rows = await this.users.query<ListedUser[]>(
      `SELECT ${listed} FROM ${people} WHERE person.tenant_id = $1 AND person.id = $2`,
      [tenantId, userId],
    );
    return rows[0];
  }

  /** Nobody else changes the user until the transaction ends. */
  async lock({ tenantId, userId }: Owner, db: EntityManager): Promise<ListedUser | undefined> {
    const rows = await db.query<ListedUser[]>(
      `SELECT ${listed} FROM ${people} WHERE person.tenant_id = $1 AND person.id = $2 FOR UPDATE OF person`,
      [tenantId, userId],
    );
    return rows[0];
  }

  /** By username, and how many there are on all pages together. */
  async page(tenantId: string, query: UserQuery): Promise<readonly [ListedUser[], number]> {
    const { page, pageSize, role, status, kind, q } = query;
    const where = `person.tenant_id = $1
        AND ($2::text IS NULL OR person.role = $2) AND ($3::text IS NULL OR person.status = $3)
        AND ($4::text IS NULL OR person.kind = $4)
        AND ($5::text IS NULL OR person.username ILIKE $5 OR person.email ILIKE $5
          OR coalesce(profile.display_name, person.display_name) ILIKE $5)`;
    const parameters = [
      tenantId,
      role ?? null,
      status ?? null,
      kind ?? null,
      q === undefined ? null : holding(q),
    ];
    const rows = await this.users.query<ListedUser[]>(
      `SELECT ${listed} FROM ${people} WHERE ${where} ORDER BY person.username, person.id LIMIT $6 OFFSET $7`,
      [...parameters, pageSize, (page - 1) * pageSize],
    );
    const [counted] = await this.users.query<{ count: number }[]>(
      `SELECT count(*)::integer AS count FROM ${people} WHERE ${where}`,
      parameters,
    );
    return [rows, counted?.count ?? 0];
  }

  async update({ tenantId, userId }: Owner, change: Partial<User>, db: EntityManager): Promise<void> {
    await db.update(User, { tenantId, id: userId }, change);
  }

  /** What is not in the change stays as it was. */
  async updateProfile(
    { tenantId, userId }: Owner,
    change: ProfileChange,
    at: Date,
    db: EntityManager,
  ): Promise<void> {
    await db.upsert(Profile, { userId, tenantId, ...change, updatedAt: at }, ['userId']);
  }
}

/** A pattern for text that holds `part`, taken literally. */
function holding(part: string): string {
  return `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
