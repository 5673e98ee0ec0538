import { expect } from '@jest/globals';
import pg from 'pg';
import type { Topic } from '../../src/infrastructure/events/notifications.js';
import { eventually, type Parley, type Person, type Replica } from './parley.js';

/** How long to wait for what is promised within a second: a busy machine is no reason to fail. */
export const soonMs = 5000;

/** The claim by which tests tell tenants apart. */
export const tenantClaim = 'org';

/** Everybody of the scripted provider belongs to the default tenant, unless the claim names another one. */
export async function openDefaultTenant(parley: Parley): Promise<void> {
  await parley.first.database.query(
    `INSERT INTO tenant_identities (issuer, claim_value, tenant_id) SELECT $1, '', id FROM tenants WHERE slug = 'default'`,
    [parley.identity.issuer],
  );
}

/** A tenant for the people whose claim is its slug; answers its id on the wire. */
export async function createTenant(parley: Parley, root: Person, slug: string): Promise<string> {
  const identities = [{ issuer: parley.identity.issuer, claimValue: slug }];
  const answer = await root.ask<{ id: string }>('POST', '/api/tenants', { slug, name: slug, identities });
  expect(answer.status).toBe(201);
  return answer.data.id;
}

export function logInAdmin(
  replica: Replica,
  subject: string,
  claims: Record<string, unknown> = {},
): Promise<Person> {
  return replica.logIn(subject, { groups: ['admins'], ...claims });
}

export async function idOf(person: Person): Promise<string> {
  return (await person.ask<{ id: string }>('GET', '/api/user')).data.id;
}

/** Does something after which every replica must hear that access, or whatever the topic is of, has changed, and does. */
export async function announcing<Result>(
  parley: Parley,
  work: () => Promise<Result>,
  topic: Topic = 'access',
): Promise<Result> {
  const client = new pg.Client({ connectionString: parley.database.url });
  const heard: (string | undefined)[] = [];
  client.on('notification', ({ payload }) => heard.push(payload));
  await client.connect();
  try {
    await client.query('LISTEN parley');
    const result = await work();
    await eventually(() => Promise.resolve(heard.includes(topic) ? true : undefined), soonMs);
    return result;
  } finally {
    await client.end();
  }
}

export interface AuditRow {
  readonly action: string;
  readonly targetId: string | null;
  readonly details: Record<string, unknown>;
}

/** What is on record of something, oldest first, whoever's record it is. */
export function auditOf(parley: Parley, targetId: string): Promise<AuditRow[]> {
  return parley.first.database.query(
    `SELECT action, target_id AS "targetId", details FROM audit_events WHERE target_id = $1 ORDER BY tenant_id, seq`,
    [targetId],
  );
}
