import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stream } from '../../bench/upstream/scripts.js';
import { Gate } from '../../bench/upstream/gate.js';
import { fromWireId } from '../../src/common/ids.js';
import {
  answerPieces,
  breaksOff,
  eventually,
  Parley,
  upstreamModel,
  type Answer,
  type Person,
  type Replica,
} from '../support/parley.js';
import { createTenant, idOf, logInAdmin, openDefaultTenant, tenantClaim, soonMs } from '../support/people.js';

let parley: Parley;
let second: Replica;
let root: Person;

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim });
  second = await parley.addReplica();
  await openDefaultTenant(parley);
  root = (await logInAdmin(parley.first, 'root')).at(second);
});

afterAll(() => parley.stop());

interface Generating {
  readonly person: Person;
  /** The provider's connection is closed. */
  readonly closed: Promise<void>;
  readonly stored: () => Promise<{ status: string; content: string }>;
}

/** Somebody for whom the first replica generates an answer that never ends by itself. */
async function generating(subject: string, claims: Record<string, unknown> = {}): Promise<Generating> {
  const person = await parley.first.logIn(subject, claims);
  const thread = await person.createThread();
  parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
  const open = await person.stream(thread, upstreamModel, 'Hi');
  const id = fromWireId('message', String((await open.next()).data['messageId']));
  expect(await open.next()).toMatchObject({ data: { token: 'Hel' } });
  const { closed } = await parley.upstream.nextExchange();
  return {
    person,
    closed,
    stored: async () => {
      const sql = 'SELECT status, content FROM messages WHERE id = $1';
      const [row] = await second.database.query<[{ status: string; content: string }]>(sql, [id]);
      return row;
    },
  };
}

async function expectStopped({ closed, stored }: Generating): Promise<void> {
  const begun = performance.now();
  await closed;
  const ended = await eventually(async () => {
    const row = await stored();
    return row.status === 'streaming' ? undefined : row;
  });
  expect(ended).toEqual({ status: 'cancelled', content: 'Hel' });
  // The promise is one second; a busy machine is no reason to fail.
  expect(performance.now() - begun).toBeLessThan(5000);
}

async function change(path: string, body: object): Promise<void> {
  expect((await root.ask('PATCH', path, body)).status).toBe(200);
}

function refused(ask: () => Promise<Answer>, code: string): Promise<Answer> {
  return eventually(async () => {
    const answer = await ask();
    return answer.error?.code === code ? answer : undefined;
  }, soonMs);
}

describe('what another replica generates', () => {
  it('is stopped when its owner is suspended, and nobody else notices', async () => {
    const bystander = await parley.first.logIn('bystander');
    const thread = await bystander.createThread();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hi'), { gates: { 2: gate } }));
    const posted = bystander.post(thread, upstreamModel, { content: 'Hi' });
    await parley.upstream.nextExchange();
    const target = await generating('ada');
    await change(`/api/users/${await idOf(target.person)}`, { status: 'suspended' });
    await expectStopped(target);
    gate.open();
    expect((await posted).data.assistantMessage.status).toBe('complete');
  });

  it('goes on when its owner is only given another role', async () => {
    const target = await generating('demoted');
    await change(`/api/users/${await idOf(target.person)}`, { role: 'guest' });
    const other = await generating('stopped meanwhile');
    await change(`/api/users/${await idOf(other.person)}`, { status: 'suspended' });
    await expectStopped(other);
    expect(await target.stored()).toMatchObject({ status: 'streaming' });
  });

  it('is stopped when the tenant is suspended', async () => {
    const tenant = await createTenant(parley, root, 'acme');
    const target = await generating('joe', { org: 'acme' });
    await change(`/api/tenants/${tenant}`, { status: 'suspended' });
    await expectStopped(target);
    expect((await refused(() => target.person.ask('GET', '/api/threads'), 'TENANT_SUSPENDED')).status).toBe(
      403,
    );
  });
});

describe('a suspended person', () => {
  it('is refused on every replica, keeps the session and finds everything again', async () => {
    const eve = await parley.first.logIn('eve');
    const id = await idOf(eve);
    const thread = await eve.createThread('Kept');
    await change(`/api/users/${id}`, { status: 'suspended' });
    for (const replica of [parley.first, second]) {
      expect((await refused(() => eve.at(replica).ask('GET', '/api/threads'), 'USER_SUSPENDED')).status).toBe(
        403,
      );
      expect((await eve.at(replica).ask('POST', '/api/session/refresh')).error?.code).toBe('USER_SUSPENDED');
    }
    await change(`/api/users/${id}`, { status: 'active' });
    await eventually(async () => {
      const { status } = await eve.ask('GET', `/api/threads/${thread}`);
      return status === 200 ? true : undefined;
    }, soonMs);
  });

  it('has no token that works, until they are back', async () => {
    const uma = await parley.first.logIn('uma');
    const ownerId = await idOf(uma);
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const issued = await root.ask<{ token: string }>('POST', '/api/tokens', {
      name: 'of Uma',
      scopes: ['read'],
      ownerId,
      expiresAt,
    });
    expect(issued.status).toBe(201);
    const codeAt = async ({ url }: Replica): Promise<string> => {
      const response = await fetch(`${url}/api/user`, {
        headers: { authorization: `Bearer ${issued.data.token}` },
      });
      const { error } = (await response.json()) as { error?: { code: string } };
      return error?.code ?? 'none';
    };
    const told = (code: string) =>
      eventually(async () => {
        const codes = await Promise.all([codeAt(parley.first), codeAt(second)]);
        return codes.every((one) => one === code) ? true : undefined;
      }, soonMs);
    await told('none');
    await change(`/api/users/${ownerId}`, { status: 'suspended' });
    await told('USER_SUSPENDED');
    await change(`/api/users/${ownerId}`, { status: 'active' });
    await told('none');
  });
});
