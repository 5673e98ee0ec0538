import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { AuditEvent } from '../../src/audit/audit-event.entity.js';
import type { ChainVerdict } from '../../src/audit/audit-verification.service.js';
import { beginning, hashOf } from '../../src/audit/chain.js';
import { UuidV7Ids } from '../../src/common/ids.js';
import { startAuditProcess, type AuditProcess } from '../support/audit-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let one: AuditProcess;
let other: AuditProcess;
/** A superuser for whom no trigger and no foreign key counts. */
let intruder: pg.Client;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  [one, other] = await Promise.all([startAuditProcess(database.url), startAuditProcess(database.url)]);
  intruder = new pg.Client({ connectionString: database.url });
  await intruder.connect();
  await intruder.query(`SET session_replication_role = 'replica'`);
});

afterAll(async () => {
  await intruder.end();
  await Promise.all([one.dataSource.destroy(), other.dataSource.destroy()]);
  await database.drop();
});

beforeEach(async () => {
  tenantId = new UuidV7Ids().next();
  await intruder.query(
    'INSERT INTO tenants (id, slug, name, created_at) VALUES ($1::uuid, $1::text, $1::text, now())',
    [tenantId],
  );
});

function record(details: Record<string, unknown> = {}, { audit } = one): Promise<void> {
  return audit.record({
    tenantId,
    actor: { kind: 'system' },
    action: 'thread.deleted',
    target: { kind: 'thread', id: 'thread_1' },
    details,
  });
}

async function recordMany(count: number): Promise<void> {
  await one.transactions.run(async (db) => {
    for (let index = 1; index <= count; index++) {
      await one.audit.record(
        {
          tenantId,
          actor: { kind: 'system' },
          action: 'logout',
          target: { kind: 'session', id: 'sess_1' },
          details: { index },
        },
        db,
      );
    }
  });
}

function verify(known?: { seq: number; hash: Buffer }): Promise<ChainVerdict> {
  return one.verification.verify(tenantId, known);
}

function tamper(sql: string, ...values: unknown[]): Promise<unknown> {
  return intruder.query(sql.replaceAll('TENANT', `'${tenantId}'`), values);
}

/** Every row, oldest first. */
function rows(): Promise<AuditEvent[]> {
  return one.dataSource.getRepository(AuditEvent).find({ where: { tenantId }, order: { seq: 'ASC' } });
}

/** Writes a row over the one at its place, with a hash that fits. */
async function forge(event: Omit<AuditEvent, 'hash'>): Promise<void> {
  const { hash } = await intruder
    .query<{ hash: Buffer }>(
      `UPDATE audit_events SET details = $3, previous_hash = $4, hash = $5 WHERE tenant_id = $1 AND seq = $2 RETURNING hash`,
      [tenantId, event.seq, event.details, event.previousHash, hashOf(event)],
    )
    .then(({ rows: [row] }) => row ?? { hash: beginning });
  expect(hash).toEqual(hashOf(event));
}

async function rowAt(seq: number): Promise<AuditEvent> {
  const found = (await rows()).find((event) => event.seq === String(seq));
  if (found === undefined) throw new Error(`no row ${seq}`);
  return found;
}

describe('an audit chain', () => {
  it('is intact when nobody touched it, also when there is nothing', async () => {
    expect(await verify()).toEqual({ checked: 0, head: { seq: 0, hash: beginning } });
    await recordMany(3);
    const head = { seq: 3, hash: (await rowAt(3)).hash };
    expect(await verify()).toEqual({ checked: 3, head });
  });

  it.each<[string, string, number, string]>([
    [
      'a changed detail',
      `UPDATE audit_events SET details = '{"index": 7}' WHERE tenant_id = TENANT AND seq = 4`,
      4,
      'changed',
    ],
    [
      'a changed time',
      `UPDATE audit_events SET at = at - interval '1 ms' WHERE tenant_id = TENANT AND seq = 2`,
      2,
      'changed',
    ],
    [
      'a time that is none',
      `UPDATE audit_events SET at = 'infinity' WHERE tenant_id = TENANT AND seq = 2`,
      2,
      'changed',
    ],
    [
      'another actor',
      `UPDATE audit_events SET actor_user_id = gen_random_uuid() WHERE tenant_id = TENANT AND seq = 1`,
      1,
      'changed',
    ],
    ...Object.entries({
      actor_kind: `'anonymous'`,
      actor_token_id: 'gen_random_uuid()',
      action: `'login.failed'`,
      target_kind: `'user'`,
      target_id: 'NULL',
      request_id: `'req_1'`,
      ip: `'::1'`,
    }).map<[string, string, number, string]>(([column, value]) => [
      `a changed ${column}`,
      `UPDATE audit_events SET ${column} = ${value} WHERE tenant_id = TENANT AND seq = 5`,
      5,
      'changed',
    ]),
    [
      'another outcome',
      `UPDATE audit_events SET outcome = 'failure' WHERE tenant_id = TENANT AND seq = 6`,
      6,
      'changed',
    ],
    [
      'a changed hash',
      `UPDATE audit_events SET hash = previous_hash WHERE tenant_id = TENANT AND seq = 3`,
      3,
      'changed',
    ],
    ['a removed first row', `DELETE FROM audit_events WHERE tenant_id = TENANT AND seq = 1`, 1, 'removed'],
    [
      'a removed row in the middle',
      `DELETE FROM audit_events WHERE tenant_id = TENANT AND seq = 3`,
      3,
      'removed',
    ],
    [
      'removed rows at the end',
      `DELETE FROM audit_events WHERE tenant_id = TENANT AND seq > 4`,
      5,
      'removed',
    ],
    ['all rows removed', `DELETE FROM audit_events WHERE tenant_id = TENANT`, 1, 'removed'],
    [
      'a removed last row, the head set back to the row before',
      `WITH gone AS (DELETE FROM audit_events WHERE tenant_id = TENANT AND seq = 6)
       UPDATE audit_heads SET seq = 5 WHERE tenant_id = TENANT`,
      5,
      'changed',
    ],
    ['a removed head', `DELETE FROM audit_heads WHERE tenant_id = TENANT`, 7, 'head_missing'],
    ['a head set back', `UPDATE audit_heads SET seq = 4 WHERE tenant_id = TENANT`, 5, 'inserted'],
    ['a head set forward', `UPDATE audit_heads SET seq = 9 WHERE tenant_id = TENANT`, 7, 'removed'],
    [
      'rows before the first',
      `UPDATE audit_events SET seq = -5 WHERE tenant_id = TENANT AND seq = 6`,
      -5,
      'inserted',
    ],
  ])('finds %s', async (_name, sql, seq, reason) => {
    await recordMany(6);
    await tamper(sql);
    const verdict = await verify();
    expect(verdict.broken).toEqual({ seq, reason });
    expect(verdict.checked).toBeLessThan(7);
  });

  it('finds two rows that were swapped', async () => {
    await recordMany(6);
    await tamper(
      'UPDATE audit_events SET seq = CASE seq WHEN 2 THEN 1005 ELSE 1002 END WHERE tenant_id = TENANT AND seq IN (2, 5)',
    );
    await tamper('UPDATE audit_events SET seq = seq - 1000 WHERE tenant_id = TENANT AND seq > 1000');
    expect((await verify()).broken).toEqual({ seq: 2, reason: 'reordered' });
  });

  it('finds a row that was squeezed in, well hashed', async () => {
    await recordMany(6);
    await tamper('UPDATE audit_events SET seq = seq + 1000 WHERE tenant_id = TENANT AND seq >= 4');
    await tamper('UPDATE audit_events SET seq = seq - 999 WHERE tenant_id = TENANT AND seq > 1000');
    await tamper(
      `INSERT INTO audit_events SELECT tenant_id, 4, at, actor_kind, actor_user_id, actor_token_id, action, target_kind, target_id,
       outcome, request_id, ip, details, hash, hash FROM audit_events WHERE tenant_id = TENANT AND seq = 3`,
    );
    const { hash: _none, ...forged } = await rowAt(4);
    await forge(forged);
    await tamper('UPDATE audit_heads SET seq = 7 WHERE tenant_id = TENANT');
    expect((await verify()).broken).toEqual({ seq: 4, reason: 'inserted' });
  });

  it('finds a row that was added at the end past the head', async () => {
    await recordMany(3);
    await tamper(
      `INSERT INTO audit_events SELECT tenant_id, 4, at, actor_kind, actor_user_id, actor_token_id, action, target_kind, target_id,
       outcome, request_id, ip, details, hash, hash FROM audit_events WHERE tenant_id = TENANT AND seq = 3`,
    );
    const { hash: _none, ...forged } = await rowAt(4);
    await forge(forged);
    expect((await verify()).broken).toEqual({ seq: 4, reason: 'inserted' });
  });

  it.each([1, 3, 6])('finds row %i changed and hashed anew', async (seq) => {
    await recordMany(6);
    const { hash: _none, ...forged } = await rowAt(seq);
    await forge({ ...forged, details: { index: 'forged' } });
    expect((await verify()).broken).toEqual({ seq, reason: 'changed' });
  });

  it('finds by an exported head that the whole chain was rewritten, head included', async () => {
    await recordMany(6);
    const { head } = await verify();
    await recordMany(2);
    expect(await verify(head)).toMatchObject({ checked: 8, head: { seq: 8 } });
    let previousHash: Buffer = beginning;
    for (const event of await rows()) {
      const forged = Object.assign(event, { details: { index: 'forged' }, previousHash });
      await forge(forged);
      previousHash = hashOf(forged);
    }
    await tamper('UPDATE audit_heads SET hash = $1 WHERE tenant_id = TENANT', previousHash);
    expect((await verify()).broken).toBeUndefined();
    expect((await verify(head)).broken).toEqual({ seq: 6, reason: 'rewritten' });
  });

  it('finds by an exported head that the end was removed, head included', async () => {
    await recordMany(6);
    const { head } = await verify();
    await tamper('DELETE FROM audit_events WHERE tenant_id = TENANT AND seq > 4');
    await tamper('UPDATE audit_heads SET seq = 4, hash = $1 WHERE tenant_id = TENANT', (await rowAt(4)).hash);
    expect((await verify()).broken).toBeUndefined();
    expect((await verify(head)).broken).toEqual({ seq: 5, reason: 'removed' });
  });

  it('is walked in pieces, each of its rows', async () => {
    await recordMany(501);
    expect(await verify()).toMatchObject({ checked: 501, head: { seq: 501 } });
    await tamper(`UPDATE audit_events SET details = '{}' WHERE tenant_id = TENANT AND seq = 501`);
    expect(await verify()).toMatchObject({ checked: 500, broken: { seq: 501, reason: 'changed' } });
  });

  it('is not broken by what is recorded while it is walked', async () => {
    await recordMany(510);
    const walked = new AbortController();
    const writing = (async () => {
      while (!walked.signal.aborted) await record({}, other);
    })();
    for (let walk = 0; walk < 10; walk++) expect((await verify()).broken).toBeUndefined();
    walked.abort();
    await writing;
    expect((await rows()).length).toBeGreaterThan(510);
  });

  it('is of its tenant alone', async () => {
    await recordMany(2);
    const mine = tenantId;
    const [slugs] = await Promise.all([
      one.verification.verifyAll(),
      tamper('DELETE FROM audit_events WHERE tenant_id <> TENANT'),
    ]);
    expect(slugs.length).toBeGreaterThan(2);
    expect(await one.verification.verify(mine)).toMatchObject({ checked: 2 });
    expect((await one.verification.verifyAll(mine)).map(({ tenant }) => tenant)).toEqual([mine]);
  });
});

describe('recording', () => {
  it('leaves no gap and no fork when two processes record at once', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => record({ index }, index % 2 === 0 ? one : other)),
    );
    expect((await rows()).map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(await verify()).toMatchObject({ checked: 50 });
    expect((await verify()).broken).toBeUndefined();
  });

  it('leaves no gap when a transaction is rolled back', async () => {
    await record();
    const failed = one.transactions.run(async (db) => {
      await one.audit.record({ tenantId, action: 'logout' }, db);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await record();
    expect((await rows()).map(({ seq }) => seq)).toEqual(['1', '2']);
    expect((await verify()).broken).toBeUndefined();
  });

  it('names the system outside a request', async () => {
    await one.audit.record({ tenantId, action: 'logout' });
    expect(await rowAt(1)).toMatchObject({
      actorKind: 'system',
      actorUserId: null,
      ip: null,
      requestId: null,
    });
  });

  it.each<[string, unknown, unknown]>([
    ['1.0', 1.0, 1],
    ['1e21', 1e21, 1e21],
    ['5e-324', 5e-324, 5e-324],
    ['the largest number', Number.MAX_VALUE, Number.MAX_VALUE],
    ['-0', -0, 0],
    ['an infinite number', Infinity, null],
    ['a big integer', 2n ** 70n, '1180591620717411303424'],
    ['a time', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['nested nulls', [null, { b: null, a: [null] }], [null, { b: null, a: [null] }]],
    ['nothing', undefined, undefined],
    ['keys that are numbers', { 10: 1, 9: 2, a: 3 }, { 10: 1, 9: 2, a: 3 }],
    ['NUL', 'a\0b', 'a\ufffdb'],
    ['NUL in a key', { 'a\0': 1 }, { 'a\ufffd': 1 }],
    ['half a character', 'a\ud83d', 'a\ufffd'],
    ['a very long text', 'x'.repeat(5000), 'x'.repeat(1000)],
    ['a text cut within a character', `${'x'.repeat(999)}😀`, `${'x'.repeat(999)}\ufffd`],
    ['an escape that looks like NUL', '\\u0000', '\\u0000'],
  ])('keeps %s as it will be read again', async (_name, value, expected) => {
    await record({ value });
    expect((await rowAt(1)).details).toEqual(expected === undefined ? {} : { value: expected });
    expect((await verify()).broken).toBeUndefined();
  });

  it('takes a target as long and as strange as it may be', async () => {
    const target = { kind: 'k\0'.repeat(50), id: '😀\0'.repeat(200) };
    await one.audit.record({ tenantId, action: 'logout', target });
    expect((await rowAt(1)).targetId).toHaveLength(200);
    expect((await verify()).broken).toBeUndefined();
  });

  it('keeps every detail that JSON can say so that the chain holds', async () => {
    const text = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.dictionary(
        fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '1', '')),
        fc.oneof(text, fc.double()),
      ),
    );
    await fc.assert(
      fc.asyncProperty(value, text, async (details, key) => {
        await record({ details, [key]: key });
      }),
      { numRuns: 150 },
    );
    const verdict = await verify();
    expect(verdict.broken).toBeUndefined();
    expect(verdict.checked).toBeGreaterThanOrEqual(150);
  });
});

describe('the owner of the table', () => {
  it.each([
    ['update', 'UPDATE audit_events SET ip = NULL'],
    ['delete', 'DELETE FROM audit_events'],
    ['truncate', 'TRUNCATE audit_events'],
  ])('cannot %s what was recorded', async (_name, sql) => {
    await record();
    await expect(one.dataSource.query(sql)).rejects.toMatchObject({ driverError: { code: '42501' } });
    expect(await rows()).toHaveLength(1);
  });

  it('cannot remove a tenant of whom something was recorded', async () => {
    await record();
    await expect(one.dataSource.query('DELETE FROM tenants WHERE id = $1', [tenantId])).rejects.toMatchObject(
      {
        driverError: { code: '23503' },
      },
    );
    expect(await rows()).toHaveLength(1);
  });
});
