import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProfileDto } from '../../src/profile/dto/profile.dto.js';
import {
  answers,
  eventually,
  Parley,
  upstreamModel,
  type Answer,
  type Person,
  type Replica,
} from '../support/parley.js';
import { announcing, auditOf, idOf, soonMs } from '../support/people.js';

let parley: Parley;
let second: Replica;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada', { name: 'Ada', email: 'ada@home.test' });
  bob = await parley.first.logIn('bob');
});

afterAll(() => parley.stop());

function patch(person: Person, change: unknown): Promise<Answer<ProfileDto>> {
  return person.ask('PATCH', '/api/profile', change);
}

function stored(): Promise<unknown> {
  return Promise.all([
    parley.first.database.query('SELECT * FROM profiles ORDER BY user_id'),
    parley.first.database.query('SELECT * FROM users ORDER BY id'),
  ]);
}

/** What the model was told beside the messages. */
async function systemPromptOf(person: Person, body: Record<string, unknown> = {}): Promise<unknown> {
  parley.upstream.reset();
  parley.upstream.enqueue(answers('Yes'));
  const posted = await person.post(await person.createThread(), upstreamModel, { content: 'Hi', ...body });
  expect(posted.status).toBe(200);
  const { messages } = JSON.parse(parley.upstream.requests[0]?.body ?? '') as {
    messages: { role: string; content: unknown }[];
  };
  return messages.find(({ role }) => role === 'system')?.content;
}

describe('the profile', () => {
  it('is for people who are logged in', async () => {
    for (const method of ['GET', 'PATCH']) {
      const response = await fetch(`${parley.first.url}/api/profile`, { method });
      expect(response.status).toBe(401);
    }
  });

  it.each([
    [{ displayName: '' }, 'displayName'],
    [{ displayName: ' ' }, 'displayName'],
    [{ displayName: 'x'.repeat(201) }, 'displayName'],
    [{ displayName: 'a\0b' }, 'displayName'],
    [{ locale: 'de_DE' }, 'locale'],
    [{ locale: '' }, 'locale'],
    [{ locale: ['de'] }, 'locale'],
    [{ locale: `en-x-${'a'.repeat(100)}` }, 'locale'],
    [{ timeZone: 'Europe/Atlantis' }, 'timeZone'],
    [{ timeZone: '+01:00' }, 'timeZone'],
    [{ timeZone: '' }, 'timeZone'],
    [{ timeZone: 1 }, 'timeZone'],
    [{ systemPrompt: '' }, 'systemPrompt'],
    [{ systemPrompt: 'x'.repeat(10_001) }, 'systemPrompt'],
    [{ email: 'a@b.test' }, 'email'],
    [{ username: 'x' }, 'username'],
    [{ role: 'admin' }, 'role'],
    [{ userId: 'user_1' }, 'userId'],
    [{ tenantId: 'tenant_1' }, 'tenantId'],
    [{ updatedAt: '2026-01-01' }, 'updatedAt'],
  ])('refuses %j and names it', async (change, param) => {
    const before = await stored();
    expect(await patch(ada, { locale: 'en', ...change })).toMatchObject({
      status: 400,
      error: { code: 'VALIDATION_FAILED', param },
    });
    expect(await stored()).toEqual(before);
  });

  it('shows what the provider says until something is chosen, and not a word more than is declared', async () => {
    expect((await ada.ask('GET', '/api/profile')).data).toEqual({
      apiKeys: {},
      username: 'ada',
      displayName: 'Ada',
      email: 'ada@home.test',
      role: 'user',
      locale: null,
      timeZone: null,
      systemPrompt: null,
    });
  });

  it('is changed by its owner alone, seen at once, and cleared by null', async () => {
    const chosen = {
      displayName: 'Countess',
      locale: 'en-GB',
      timeZone: 'Asia/Kolkata',
      systemPrompt: 'Rhyme.',
    };
    const others = (await bob.ask('GET', '/api/profile')).data;
    await ada.ask('GET', '/api/user');
    expect((await patch(ada, chosen)).data).toMatchObject(chosen);
    expect((await ada.ask('GET', '/api/user')).data).toMatchObject({ displayName: 'Countess' });
    expect((await ada.ask('GET', '/api/profile')).data).toMatchObject(chosen);
    expect((await bob.ask('GET', '/api/profile')).data).toEqual(others);
    expect((await patch(ada, { locale: null })).data).toMatchObject({ ...chosen, locale: null });
    const cleared = { displayName: null, locale: null, timeZone: null, systemPrompt: null };
    expect((await patch(ada, cleared)).data).toMatchObject({ ...cleared, displayName: 'Ada' });
  });

  it('is seen on every replica within a second', async () => {
    const adaElsewhere = ada.at(second);
    await adaElsewhere.ask('GET', '/api/user');
    await announcing(parley, () => patch(ada, { displayName: 'Everywhere' }));
    await eventually(async () => {
      const { data } = await adaElsewhere.ask<{ displayName: string }>('GET', '/api/user');
      return data.displayName === 'Everywhere' ? true : undefined;
    }, soonMs);
  });

  it('keeps the chosen name when the provider says its own again', async () => {
    const eve = await parley.first.logIn('eve', { name: 'Eve' });
    await patch(eve, { displayName: 'Evelyn' });
    const again = await parley.first.logIn('eve', { name: 'Eve Two' });
    expect((await again.ask('GET', '/api/user')).data).toMatchObject({ displayName: 'Evelyn' });
  });

  it('has the name that the provider gives at a login', async () => {
    const lou = await parley.first.logIn('lou', { name: 'Lou' });
    await lou.ask('GET', '/api/user');
    await announcing(parley, () => parley.first.logIn('lou', { name: 'Louise' }));
    await eventually(async () => {
      const { data } = await lou.ask<{ displayName: string }>('GET', '/api/user');
      return data.displayName === 'Louise' ? true : undefined;
    }, soonMs);
  });

  it('puts on record the name that others see, and nothing else', async () => {
    const joe = await parley.first.logIn('joe');
    const id = await idOf(joe);
    const before = (await auditOf(parley, id)).length;
    await patch(joe, { systemPrompt: 'private', locale: 'fr', displayName: 'Joseph' });
    await patch(joe, { systemPrompt: 'private still' });
    expect((await auditOf(parley, id)).slice(before)).toEqual([
      {
        action: 'user.changed',
        targetId: id,
        details: { old: { displayName: null }, new: { displayName: 'Joseph' } },
      },
    ]);
  });

  it('gives models its system prompt where the request has none', async () => {
    expect(await systemPromptOf(bob)).toBeUndefined();
    await patch(bob, { systemPrompt: 'Be brief.' });
    expect(await systemPromptOf(bob)).toBe('Be brief.');
    expect(await systemPromptOf(bob, { systemPrompt: 'Be long.' })).toBe('Be long.');
    await patch(bob, { systemPrompt: null });
    expect(await systemPromptOf(bob)).toBeUndefined();
  });
});
