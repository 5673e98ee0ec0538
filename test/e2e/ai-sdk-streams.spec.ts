import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import {
  answerPieces,
  answers,
  breaksOff,
  eventually,
  Parley,
  upstreamModel,
  type Person,
  type Replica,
} from '../support/parley.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { chunksOf, postChat, textOf, UiChat, userMessage } from '../support/ui-chat.js';

const body = { modelId: upstreamModel };

let parley: Parley;
let second: Replica;
let ada: Person;
let adaAtSecond: Person;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada');
  adaAtSecond = ada.at(second);
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

/** A chat of which the first words have arrived; the rest comes when the gate opens. */
async function begun(person = ada): Promise<{ chat: UiChat; gate: Gate; sent: Promise<void> }> {
  const gate = new Gate();
  parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
  const chat = new UiChat(person, { body });
  const sent = chat.sendMessage({ text: 'Hi' });
  await chat.says('Hel');
  return { chat, gate, sent };
}

async function stored(chat: UiChat): Promise<MessageDto> {
  return (await ada.ask<MessageDto>('GET', `/api/messages/${chat.lastMessage?.id ?? ''}`)).data;
}

function storedAs(chat: UiChat, status: string): Promise<MessageDto> {
  return eventually(async () => {
    const message = await stored(chat);
    return message.status === status ? message : undefined;
  });
}

function is(chat: UiChat, status: UiChat['status']): Promise<true> {
  return eventually(() => Promise.resolve(chat.status === status ? true : undefined));
}

function resume(person: Person, chatId: string, query = ''): Promise<Response> {
  return person.browser.fetch(`/api/chat/${encodeURIComponent(chatId)}/stream${query}`);
}

describe('an answer that fails is never shown as a good one', () => {
  it.each([
    ['before its first token', json({}, { status: 401 }), '', 'error', 'PROVIDER_AUTHENTICATION_FAILED'],
    [
      ...([
        'in the middle',
        stream([...answerPieces('Hel').slice(0, 2), 'data: {"error":{"message":"x"}}\n\n']),
      ] as const),
      ...(['Hel', 'error', 'PROVIDER_'] as const),
    ],
    ['by being cut off', breaksOff(['Hel']), 'Hel', 'interrupted', 'GENERATION_INTERRUPTED'],
  ])('%s', async (_when, script, text, status, code) => {
    parley.upstream.enqueue(script);
    const chat = new UiChat(ada, { body });
    await chat.sendMessage({ text: 'Hi' });
    expect(chat.status).toBe('error');
    expect(chat.error?.message).toMatch(new RegExp(`\\(${code}`));
    expect([chat.text, chat.lastMessage?.metadata?.status]).toEqual([text, 'error']);
    const message = await stored(chat);
    expect(message).toMatchObject({ content: text, status });
    expect(chat.lastMessage?.metadata?.errorCode).toBe(message.errorCode ?? 'GENERATION_INTERRUPTED');
    // And it goes on from there.
    parley.upstream.enqueue(answers('Better'));
    await chat.regenerate();
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Hi', 'Better']]);
  });

  it('but as stopped, when somebody stopped it', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const chat = new UiChat(ada, { body });
    const sent = chat.sendMessage({ text: 'Hi' });
    await chat.says('Hel');
    await adaAtSecond.ask('POST', `/api/messages/${chat.lastMessage?.id ?? ''}/cancel`, {});
    await sent;
    expect([chat.status, chat.text]).toEqual(['ready', 'Hel']);
    expect(chat.lastMessage?.metadata?.status).toBe('cancelled');
    expect(await stored(chat)).toMatchObject({ content: 'Hel', status: 'cancelled' });
  });
});

describe('a client that goes away', () => {
  it('stops reading, not the answer', async () => {
    const { chat, gate, sent } = await begun();
    await chat.stop();
    await sent;
    expect(chat.status).toBe('ready');
    gate.open();
    expect(await storedAs(chat, 'complete')).toMatchObject({ content: 'Hello' });
  });

  it('goes on reading without a gap or a repeat, wherever it is cut and at whichever replica', async () => {
    const words = ['One', ' two', '\n', ' 😀', ' five'];
    const gates = words.map(() => new Gate());
    parley.upstream.enqueue(
      stream(answerPieces(...words), {
        gates: Object.fromEntries(gates.map((gate, index) => [index + 1, gate])),
      }),
    );
    const chat = new UiChat(ada, { body });
    const proxies = [parley.first, second].map(({ url }) => {
      const { hostname: host, port } = new URL(url);
      return new TcpProxy({ host, port: Number(port) });
    });
    let reading: Promise<void> = Promise.resolve();
    for (const [index, gate] of gates.entries()) {
      const proxy = proxies[index % 2];
      await proxy?.open();
      chat.server = `http://${proxy?.address ?? ''}`;
      reading = index === 0 ? chat.sendMessage({ text: 'Hi' }) : chat.resumeStream();
      if (index > 0) await is(chat, 'streaming');
      gate.open();
      await chat.says(words.slice(0, index + 1).join(''));
      if (index === words.length - 1) break;
      await proxy?.cut();
      await reading;
      expect(chat.status).toBe('error');
    }
    await reading;
    for (const proxy of proxies) await proxy.cut();
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Hi', words.join('')]]);
    expect(chat.lastMessage?.parts.length).toBe(1);
    expect(chat.lastMessage?.metadata?.status).toBe('complete');
    expect(await stored(chat)).toMatchObject({ content: words.join(''), status: 'complete' });
  });

  it('has all of an answer that has ended meanwhile, when it says which', async () => {
    const { chat, gate, sent } = await begun();
    await chat.stop();
    await sent;
    gate.open();
    await storedAs(chat, 'complete');
    expect((await resume(ada, chat.id)).status).toBe(204);
    chat.namesWhatBrokeOff = true;
    chat.server = second.url;
    expect([chat.text, chat.lastMessage?.metadata?.status]).toEqual(['Hel', undefined]);
    await chat.resumeStream();
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Hi', 'Hello']]);
    expect(chat.lastMessage?.metadata?.status).toBe('complete');
    // Nothing is open any more.
    expect((await resume(ada, chat.id)).status).toBe(204);
  });

  it('is cut off, not told of an end, when its replica stops before the answer has ended', async () => {
    const third = await parley.addReplica();
    const { chat, gate } = await begun();
    const tab = new UiChat(ada, { id: chat.id, messages: chat.messages });
    tab.server = third.url;
    const read = tab.resumeStream();
    await tab.says('Hel');
    await third.stop();
    await read;
    expect([tab.status, tab.text]).toEqual(['error', 'Hel']);
    tab.server = second.url;
    const again = tab.resumeStream();
    gate.open();
    await again;
    expect([tab.status, tab.text]).toEqual(['ready', 'Hello']);
  });

  it('is told when it may not read on; the answer goes on', async () => {
    const other = await parley.first.logIn('ada');
    const { chat, gate, sent } = await begun(other);
    await other.browser.fetch('/api/logout', { method: 'POST' });
    await sent;
    expect([chat.status, chat.text]).toEqual(['error', 'Hel']);
    expect(chat.error?.message).toContain('SESSION_ENDED');
    gate.open();
    expect(await storedAs(chat, 'complete')).toMatchObject({ content: 'Hello' });
  });
});

describe.each([
  ['the replica that generates it', () => ada],
  ['another replica', () => adaAtSecond],
])('an answer under way, at %s', (_where, reader) => {
  it('is seen by a second tab from its start to its end', async () => {
    const { chat, gate, sent } = await begun();
    const tab = new UiChat(reader(), { id: chat.id, messages: chat.messages.slice(0, 1) });
    const read = tab.resumeStream();
    await tab.says('Hel');
    gate.open();
    await Promise.all([sent, read]);
    expect([tab.status, tab.messages]).toEqual(['ready', chat.messages]);
    expect(tab.text).toBe('Hello');
  });

  it('is found by the id of its thread, and of several the last one', async () => {
    const { chat, gate, sent } = await begun();
    const { threadId = '', modelId } = chat.lastMessage?.metadata ?? {};
    expect(modelId).toBe(upstreamModel);
    const later = await ada.browser.fetch(`/api/threads/${threadId}/models/demo/messages`, {
      method: 'POST',
      body: JSON.stringify({ content: 'And you?', stream: true }),
      headers: { 'content-type': 'application/json' },
    });
    await later.text();
    // That one has ended: the first is the last.
    const reading = await resume(reader(), threadId);
    gate.open();
    expect((await chunksOf(reading))[0]).toMatchObject({ messageId: chat.lastMessage?.id });
    await sent;
  });
});

describe('resuming', () => {
  it('finds nothing in a conversation in which nothing runs, or was ever said', async () => {
    const chat = new UiChat(ada, { body });
    await chat.resumeStream();
    expect([chat.status, chat.messages]).toEqual(['ready', []]);
    parley.upstream.enqueue(answers('Hello'));
    await chat.sendMessage({ text: 'Hi' });
    for (const id of [randomUUID(), chat.id, chat.lastMessage?.metadata?.threadId ?? '', 'Ünïcode/…?']) {
      expect((await resume(adaAtSecond, id)).status).toBe(204);
    }
  });

  it('of two answers under way follows the one that was begun last', async () => {
    const id = randomUUID();
    const gates = [new Gate(), new Gate()];
    const ended: Promise<unknown>[] = [];
    const ids: (string | undefined)[] = [];
    for (const [index, gate] of gates.entries()) {
      parley.upstream.enqueue(stream(answerPieces(`${index}`), { gates: { 2: gate } }));
      // Another name for the vendor's model makes another model of the thread.
      const modelId = index === 0 ? upstreamModel : await aliasOf(upstreamModel);
      const chat = new UiChat(ada, { id, body: { modelId } });
      ended.push(chat.sendMessage({ text: 'Hi' }));
      await chat.says(`${index}`);
      ids.push(chat.lastMessage?.id);
    }
    const reading = await resume(adaAtSecond, id);
    for (const gate of gates) gate.open();
    expect((await chunksOf(reading))[0]).toMatchObject({ messageId: ids[1] });
    await Promise.all(ended);
  });

  it('shows nothing of anybody else', async () => {
    const { chat, gate, sent } = await begun();
    const bob = await parley.first.logIn('bob');
    const { threadId = '' } = chat.lastMessage?.metadata ?? {};
    expect((await resume(bob, chat.id)).status).toBe(204);
    const messageId = chat.lastMessage?.id ?? '';
    for (const [id, query, code] of [
      [threadId, '', 'THREAD_NOT_FOUND'],
      ['thread_x', '', 'THREAD_NOT_FOUND'],
      ['a\0b', '', 'THREAD_NOT_FOUND'],
      [chat.id, `?messageId=${messageId}`, 'MESSAGE_NOT_FOUND'],
    ] as const) {
      const refused = await resume(bob, id, query);
      expect([id, refused.status, await refused.json()]).toMatchObject([id, 404, { error: { code } }]);
    }
    gate.open();
    await sent;
    for (const [query, status, code] of [
      ['?messageId=other', 404, 'MESSAGE_NOT_FOUND'],
      [`?messageId=${chat.lastMessage?.metadata?.userMessageId ?? ''}`, 422, 'MESSAGE_NOT_AN_ANSWER'],
      ['?messageId=', 400, 'VALIDATION_FAILED'],
      ['?x=1', 400, 'VALIDATION_FAILED'],
    ] as const) {
      const refused = await resume(ada, chat.id, query);
      expect([query, refused.status, await refused.json()]).toMatchObject([
        query,
        status,
        { error: { code } },
      ]);
    }
    const elsewhere = await chunksOf(
      await postChat(ada, { id: randomUUID(), messages: [userMessage('Hi')], modelId: 'demo' }),
    );
    const [start] = elsewhere;
    const other = start?.type === 'start' ? start.messageId : undefined;
    expect((await resume(ada, chat.id, `?messageId=${other ?? ''}`)).status).toBe(404);
  });
});

async function aliasOf(model: string): Promise<string> {
  const admin = await parley.first.logIn('admin', { groups: ['admins'] });
  const id = `alias-${randomUUID()}`;
  const { status } = await admin.ask('POST', '/api/models', {
    ...{ kind: 'alias', id, target: { model }, scope: 'tenant' },
  });
  expect(status).toBe(201);
  return id;
}
