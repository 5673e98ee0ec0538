import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stream } from '../../bench/upstream/scripts.js';
import { Gate } from '../../bench/upstream/gate.js';
import { LiveAccess } from '../../src/auth/live-access.service.js';
import { GenerationKeeper } from '../../src/generation/generation-keeper.js';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import {
  answerPieces,
  eventually,
  Parley,
  upstreamModel,
  OpenStream,
  type Answer,
  type Person,
  type Replica,
} from '../support/parley.js';

let parley: Parley;
let second: Replica;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  // Suspension stops the generation as well, which would end the stream in another way.
  for (const { app } of [parley.first, second]) app.get(GenerationKeeper).rest();
});

afterAll(() => parley.stop());

interface Reading {
  readonly person: Person;
  readonly open: OpenStream;
  readonly messageId: string;
  /** Lets the model go on. */
  readonly gate: Gate;
}

/** Somebody who reads an answer at the first replica, which the model has begun. */
async function reading(subject: string): Promise<Reading> {
  const person = await parley.first.logIn(subject);
  const thread = await person.createThread();
  const gate = new Gate();
  parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
  const open = await person.stream(thread, upstreamModel, 'Hi');
  const messageId = String((await open.next()).data['messageId']);
  expect(await open.next()).toMatchObject({ type: 'token', data: { token: 'Hel' } });
  return { person, open, messageId, gate };
}

function status(person: Person, messageId: string, wanted: string): Promise<MessageDto> {
  return eventually(async () => {
    const { data } = await person.ask<MessageDto>('GET', `/api/messages/${messageId}`);
    return data.status === wanted ? data : undefined;
  });
}

async function expectCut(open: OpenStream, code: string): Promise<void> {
  const begun = performance.now();
  expect(await open.rest()).toEqual([
    { id: expect.stringMatching(/:1002$/), type: 'error', data: expect.objectContaining({ code }) },
    { id: expect.stringMatching(/:1002$/), type: 'close', data: {} },
  ]);
  // The promise is one second; a busy machine is no reason to fail.
  expect(performance.now() - begun).toBeLessThan(5000);
}

/** The same for a program: what it reads, and the admin and the id of its token. */
async function programReading(): Promise<{ open: OpenStream; gate: Gate; admin: Person; tokenId: string }> {
  const admin = await parley.first.logIn('root', { groups: ['admins'] });
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const issued = await admin.ask<{ id: string; token: string }>('POST', '/api/tokens', {
    name: 'reader',
    scopes: ['write'],
    expiresAt,
  });
  const thread = await admin.createThread();
  const gate = new Gate();
  parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
  const response = await fetch(`${parley.first.url}/api/threads/${thread}/models/${upstreamModel}/messages`, {
    method: 'POST',
    body: JSON.stringify({ content: 'Hi', stream: true }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${issued.data.token}` },
  });
  const open = new OpenStream(response, new AbortController());
  expect((await open.next()).type).toBe('message_start');
  expect((await open.next()).type).toBe('token');
  return { open, gate, admin, tokenId: issued.data.id };
}

/** Waits for a whole answer, as clients do that do not stream. */
async function waiting(subject: string): Promise<{ person: Person; answer: Promise<Answer>; gate: Gate }> {
  const person = await parley.first.logIn(subject);
  const thread = await person.createThread();
  const gate = new Gate();
  parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 1: gate } }));
  const answer = person.post(thread, upstreamModel, { content: 'Hi' });
  await parley.upstream.nextExchange();
  return { person, answer, gate };
}

describe('an answer that somebody waits for', () => {
  it.each([
    ['is suspended', `status = 'suspended'`, 'USER_SUSPENDED'],
    ['is demoted below the right to ask', `role = 'guest'`, 'FORBIDDEN'],
  ])('is not given to who %s meanwhile', async (what, change, code) => {
    const { answer, gate } = await waiting(what);
    await parley.first.database.query(`UPDATE users SET ${change} WHERE subject = $1`, [what]);
    const { status, error } = await answer;
    expect([status, error?.code]).toEqual([403, code]);
    gate.open();
  });

  it('is not given to a session that was logged out meanwhile', async () => {
    const { person, answer, gate } = await waiting('out');
    await person.at(second).browser.fetch('/api/logout', { method: 'POST' });
    const { status, error } = await answer;
    expect([status, error?.code]).toEqual([401, 'SESSION_ENDED']);
    gate.open();
  });
});

describe('an open stream', () => {
  it('ends when the token that opened it is revoked at another replica', async () => {
    const { open, gate, admin, tokenId } = await programReading();
    expect((await admin.at(second).ask('DELETE', `/api/tokens/${tokenId}`)).status).toBe(200);
    await expectCut(open, 'NOT_AUTHENTICATED');
    gate.open();
  });

  it('ends when the token that opened it expires', async () => {
    const { open, gate } = await programReading();
    await parley.first.database.query(
      `UPDATE api_tokens SET expires_at = now() WHERE name = 'reader' AND revoked_at IS NULL`,
    );
    await expectCut(open, 'NOT_AUTHENTICATED');
    gate.open();
  });

  it('ends when its session is logged out at another replica, and the answer goes on', async () => {
    const { person, open, messageId, gate } = await reading('ada');
    expect((await person.at(second).browser.fetch('/api/logout', { method: 'POST' })).ok).toBe(true);
    await expectCut(open, 'SESSION_ENDED');
    gate.open();
    const again = await parley.first.logIn('ada');
    expect(await status(again, messageId, 'complete')).toMatchObject({ content: 'Hello' });
  });

  it.each([
    ['suspended', `status = 'suspended'`, 'USER_SUSPENDED'],
    ['demoted below the right that opened it', `role = 'guest'`, 'FORBIDDEN'],
  ])('ends when its reader is %s, even if no word of that comes', async (_what, change, code) => {
    const { open, gate } = await reading(code);
    await parley.first.database.query(`UPDATE users SET ${change} WHERE subject = $1`, [code]);
    await expectCut(open, code);
    gate.open();
  });

  it('ends when its tenant is suspended', async () => {
    const { open, gate } = await reading('eve');
    const [tenant] = await parley.first.database.query<{ id: string }[]>(
      `UPDATE tenants SET status = 'suspended' RETURNING id`,
    );
    await expectCut(open, 'USER_SUSPENDED');
    gate.open();
    expect(tenant).toBeDefined();
    await parley.first.database.query(`UPDATE tenants SET status = 'active'`);
  });

  it('goes on when somebody else logs out', async () => {
    const { open, gate } = await reading('ann');
    const other = await second.logIn('joe');
    await other.browser.fetch('/api/logout', { method: 'POST' });
    gate.open();
    expect((await open.rest()).map(({ type }) => type)).toEqual(['token', 'message_complete', 'close']);
  });
});

describe('word of a change', () => {
  it('is what ends a stream at once: without the look of every second', async () => {
    await parley.first.app.get(LiveAccess).beforeApplicationShutdown();
    const { person, open, gate } = await reading('deaf');
    await person.at(second).browser.fetch('/api/logout', { method: 'POST' });
    await expectCut(open, 'SESSION_ENDED');
    gate.open();
    const program = await programReading();
    await program.admin.at(second).ask('DELETE', `/api/tokens/${program.tokenId}`);
    await expectCut(program.open, 'NOT_AUTHENTICATED');
    program.gate.open();
  });
});
