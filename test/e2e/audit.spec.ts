import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditService } from '../../src/audit/audit.service.js';
import type { AuditEventDto, ChainVerdictDto } from '../../src/audit/dto/audit.dto.js';
import { audit } from '../../src/cli/audit.js';
import { toWireId, UuidV7Ids } from '../../src/common/ids.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import { Parley, type Person } from '../support/parley.js';
import { testConfiguration } from '../support/test-configuration.js';

const ids = new UuidV7Ids();
const elsewhere = ids.next();
const [robot, token] = [ids.next(), ids.next()];

let parley: Parley;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
  bob = await parley.first.logIn('bob');
  const log = parley.first.app.get(AuditService);
  await parley.first.database.query(
    `INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'elsewhere', 'Elsewhere', now())`,
    [elsewhere],
  );
  await log.record({ tenantId: elsewhere, action: 'tenant.changed', details: { of: 'elsewhere' } });
  for (let index = 0; index < 5; index++) {
    await log.record({
      tenantId: defaultTenantId,
      actor: { kind: 'token', userId: robot, tokenId: token },
      action: 'token.used',
      target: { kind: 'token', id: toWireId('token', token) },
      outcome: index < 2 ? 'failure' : 'success',
      details: { index },
    });
  }
});

afterAll(() => parley.stop());

async function list(query: string): Promise<AuditEventDto[]> {
  const answer = await ada.ask<AuditEventDto[]>('GET', `/api/audit?limit=100&${query}`);
  expect(answer.status).toBe(200);
  return answer.data;
}

async function userIdOf(person: Person): Promise<string> {
  return (await person.ask<{ id: string }>('GET', '/api/user')).data.id;
}

describe('the audit log', () => {
  it.each(['/api/audit', '/api/audit/verify'])('is not told to those who are no admins: %s', async (path) => {
    expect(await bob.ask('GET', path)).toMatchObject({ status: 403, error: { code: 'FORBIDDEN' } });
    const response = await fetch(parley.first.url + path);
    expect(response.status).toBe(401);
  });

  it.each([
    ['actor=ada', 'actor'],
    [`actor=${toWireId('thread', ids.next())}`, 'actor'],
    ['action=everything', 'action'],
    ['action=logout&action=logout', 'action'],
    ['outcome=maybe', 'outcome'],
    ['targetId=', 'targetId'],
    ['targetId=%00', 'targetId'],
    [`targetKind=${'x'.repeat(41)}`, 'targetKind'],
    ['from=yesterday', 'from'],
    ['from=2026-02-30', 'from'],
    ['from=2026-11-20T12:00:00', 'from'],
    ['to=2026-13-01T00:00:00Z', 'to'],
    ['to=infinity', 'to'],
    ['to=0001-01-01', 'to'],
    ['limit=101', 'limit'],
    ['tenantId=x', 'tenantId'],
  ])('refuses to be asked %s', async (query, param) => {
    expect(await ada.ask('GET', `/api/audit?${query}`)).toMatchObject({
      status: 400,
      error: { code: 'VALIDATION_FAILED', param },
    });
  });

  it('refuses a cursor of another query', async () => {
    const { pagination } = await ada.ask('GET', '/api/audit?limit=2');
    expect(
      await ada.ask('GET', `/api/audit?limit=2&outcome=failure&cursor=${String(pagination.cursor)}`),
    ).toMatchObject({ status: 400, error: { code: 'INVALID_CURSOR' } });
  });

  it('says who did what to what, when, from where and in which request', async () => {
    const thread = await bob.createThread();
    const deleted = await bob.ask('DELETE', `/api/threads/${thread}`);
    const [event] = await list(`targetId=${thread}`);
    const userId = await userIdOf(bob);
    expect(event).toEqual({
      seq: expect.any(Number),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      actor: { kind: 'user', userId },
      action: 'thread.deleted',
      target: { kind: 'thread', id: thread },
      outcome: 'success',
      requestId: deleted.requestId,
      ip: expect.stringContaining('127.0.0.1'),
      details: { messages: 0 },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is written with what it records, or neither happens', async () => {
    const thread = await bob.createThread();
    const { database } = parley.first;
    await database.query(
      `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (action <> 'thread.deleted') NOT VALID`,
    );
    expect((await bob.ask('DELETE', `/api/threads/${thread}`)).status).toBe(500);
    await database.query('ALTER TABLE audit_events DROP CONSTRAINT full_disk');
    expect((await bob.ask('GET', `/api/threads/${thread}`)).status).toBe(200);
    expect(await list(`targetId=${thread}`)).toEqual([]);
  });

  it('pages through everything once, newest first, of its own tenant alone', async () => {
    const all = await list('');
    const seqs = all.map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => seqs.length - index));
    expect(all.map(({ action }) => action)).not.toContain('tenant.changed');
    const seen: number[] = [];
    for (let cursor = ''; ;) {
      const page = await ada.ask<AuditEventDto[]>('GET', `/api/audit?limit=3${cursor}`);
      seen.push(...page.data.map(({ seq }) => seq));
      if (page.pagination.cursor === null) break;
      cursor = `&cursor=${page.pagination.cursor}`;
    }
    expect(seen).toEqual(seqs);
  });

  it('is filtered by actor, action, target, outcome and time', async () => {
    const used = [4, 3, 2, 1, 0];
    const indices = async (query: string): Promise<unknown[]> =>
      (await list(query)).map(({ details }) => ('index' in details ? details.index : 'other'));
    expect(await indices(`actor=${toWireId('token', token)}`)).toEqual(used);
    expect(await indices(`actor=${toWireId('user', robot)}`)).toEqual(used);
    expect(await indices(`actor=${toWireId('user', token)}`)).toEqual([]);
    expect(await indices('action=token.used')).toEqual(used);
    expect(await indices('targetKind=token')).toEqual(used);
    expect(await indices(`targetId=${toWireId('token', token)}`)).toEqual(used);
    expect(await indices(`targetKind=thread&targetId=${toWireId('token', token)}`)).toEqual([]);
    expect(await indices('outcome=failure&action=token.used')).toEqual([1, 0]);
    const [newest] = await list('action=token.used&outcome=success');
    const at = encodeURIComponent(newest?.at ?? '');
    expect(await indices(`action=token.used&from=${at}`)).toContain(4);
    expect(await indices(`action=token.used&to=${at}`)).not.toContain(4);
    expect(await indices('to=2026-01-01')).toEqual([]);
  });
});

describe('the verification', () => {
  it('names the head, which proves later that nothing was rewritten', async () => {
    const { data } = await ada.ask<ChainVerdictDto>('GET', '/api/audit/verify');
    expect(data).toEqual({ intact: true, checked: data.head.seq, head: data.head });
    const later = `/api/audit/verify?seq=${data.head.seq}&hash=${data.head.hash}`;
    expect((await ada.ask('GET', later)).data).toMatchObject({ intact: true });
    const other = `/api/audit/verify?seq=${data.head.seq}&hash=${'0'.repeat(64)}`;
    expect((await ada.ask('GET', other)).data).toMatchObject({
      intact: false,
      broken: { seq: data.head.seq, reason: 'rewritten' },
    });
  });

  it.each([
    ['seq=1', 'hash'],
    [`hash=${'0'.repeat(64)}`, 'seq'],
    [`seq=-1&hash=${'0'.repeat(64)}`, 'seq'],
    [`seq=1e30&hash=${'0'.repeat(64)}`, 'seq'],
    ['seq=1&hash=abc', 'hash'],
  ])('refuses half a head and nonsense: %s', async (query, param) => {
    expect(await ada.ask('GET', `/api/audit/verify?${query}`)).toMatchObject({
      status: 400,
      error: { code: 'VALIDATION_FAILED', param },
    });
  });

  it('names the first broken row of the own tenant, and not what is broken elsewhere', async () => {
    const { database } = parley.first;
    const tamper = (tenant: string, seq: number): Promise<unknown> =>
      database.transaction(async (db) => {
        await db.query('ALTER TABLE audit_events DISABLE TRIGGER ALL');
        await db.query(
          `UPDATE audit_events SET details = '{"tampered": true}' WHERE tenant_id = $1 AND seq = $2`,
          [tenant, seq],
        );
        await db.query('ALTER TABLE audit_events ENABLE TRIGGER ALL');
      });
    await tamper(elsewhere, 1);
    expect((await ada.ask('GET', '/api/audit/verify')).data).toMatchObject({ intact: true });
    await tamper(defaultTenantId, 4);
    expect((await ada.ask('GET', '/api/audit/verify')).data).toMatchObject({
      intact: false,
      checked: 3,
      broken: { seq: 4, reason: 'changed' },
    });
  });
});

describe('parley audit verify', () => {
  async function run(...words: string[]): Promise<{ lines: readonly string[]; exitCode: unknown }> {
    const before = process.exitCode;
    const verify = audit.commands.get('verify');
    const lines = await verify?.(testConfiguration({ 'database.url': parley.database.url }), words);
    const { exitCode } = process;
    process.exitCode = before;
    return { lines: lines ?? [], exitCode };
  }

  it('says for each tenant what is broken, and fails', async () => {
    const { lines, exitCode } = await run();
    expect(lines).toEqual([
      expect.stringMatching(/^default {2}broken at 4 \(changed\) {2}checked 3 {2}head \d+ [0-9a-f]{64}$/),
      expect.stringMatching(/^elsewhere {2}broken at 1 /),
    ]);
    expect(exitCode).toBe(1);
  });

  it('says that a chain is intact, and does not fail', async () => {
    await parley.first.database.query(
      `INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'quiet', 'Quiet', now())`,
      [ids.next()],
    );
    const { lines, exitCode } = await run('quiet');
    expect(lines).toEqual([`quiet  intact  checked 0  head 0 ${'0'.repeat(64)}`]);
    expect(exitCode).toBeUndefined();
  });

  it('fails for a tenant that is not there', async () => {
    expect(await run('nobody')).toMatchObject({ exitCode: 1 });
  });
});

describe('each filter', () => {
  it.each([
    ['none', '', 'pk_audit_events|ix_audit_events_at'],
    ['a person', `actor_user_id = '${robot}'`, 'ix_audit_events_actor'],
    ['a token', `actor_token_id = '${token}'`, 'ix_audit_events_token'],
    ['an action', `action = 'setup.failed'`, 'ix_audit_events_action'],
    ['a kind of target', `target_kind = 'nothing'`, 'ix_audit_events_target_kind'],
    ['a target', `target_id = 'thread_x'`, 'ix_audit_events_target'],
    ['failures', `outcome = 'failure'`, 'ix_audit_events_failure'],
    ['a time', `at >= '2026-01-01' AND at < '2026-01-02'`, 'ix_audit_events_at'],
  ])('is served in order by an index: %s', async (_name, condition, index) => {
    const { database } = parley.first;
    const where = condition === '' ? '' : `AND ${condition}`;
    const plan = await database.transaction(async (db) => {
      // On a table this small Postgres would read everything, whatever the indexes.
      await db.query('SET LOCAL enable_seqscan = off');
      await db.query('SET LOCAL enable_bitmapscan = off');
      await db.query('SET LOCAL enable_sort = off');
      return db.query<{ 'QUERY PLAN': string }[]>(
        `EXPLAIN SELECT * FROM audit_events WHERE tenant_id = '${defaultTenantId}' ${where} ORDER BY at DESC, seq DESC LIMIT 21`,
      );
    });
    const text = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(text).toMatch(new RegExp(`Index Scan Backward using (?:${index}) `));
    expect(text).not.toContain('Sort');
  });
});
