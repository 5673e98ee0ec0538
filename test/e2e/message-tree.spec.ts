import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { stream } from '../../bench/upstream/scripts.js';
import { toWireId, UuidV7Ids } from '../../src/common/ids.js';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import type { ThreadDetailDto } from '../../src/threads/dto/thread.dto.js';
import type { ExchangeDto } from '../../src/wire/native/dto/post-message.dto.js';
import {
  answerPieces,
  answers,
  OpenStream,
  Parley,
  upstreamModel,
  type Answer,
  type Person,
} from '../support/parley.js';

let parley: Parley;
let ada: Person;
let adaAtSecond: Person;
let bob: Person;
let thread: string;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
  adaAtSecond = ada.at(await parley.addReplica());
  bob = await parley.first.logIn('bob');
});

beforeEach(async () => {
  thread = await ada.createThread();
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

/** Posts to the scripted model, which answers with `answer`. */
async function say(content: string, answer: string, parentId?: string | null): Promise<ExchangeDto> {
  parley.upstream.enqueue(answers(answer));
  const body = parentId === undefined ? { content } : { content, parentId };
  const { status, data } = await ada.post(thread, upstreamModel, body);
  expect(status).toBe(200);
  return data;
}

function regenerate(id: string, body: object = {}, person = ada): Promise<Answer<ExchangeDto>> {
  return person.ask('POST', `/api/messages/${id}/regenerate`, body);
}

/** What the model was told with the newest request. */
function told(): string[] {
  const body = parley.upstream.requests.at(-1)?.body ?? '';
  const { messages } = JSON.parse(body) as { messages: { role: string; content: string }[] };
  return messages.map(({ role, content }) => `${role}: ${content}`);
}

async function list(query = '', person = ada): Promise<MessageDto[]> {
  return (await person.ask<MessageDto[]>('GET', `/api/threads/${thread}/messages?limit=100${query}`)).data;
}

async function contents(query = ''): Promise<string[]> {
  return (await list(query)).map(({ content }) => content);
}

describe('a message that follows what it cannot', () => {
  let foreign: string;
  let other: ExchangeDto;
  let here: ExchangeDto;

  beforeEach(async () => {
    const mine = thread;
    const bobs = await bob.createThread();
    foreign = (await bob.post(bobs, 'demo', { content: 'Hi' })).data.assistantMessage.id;
    thread = await ada.createThread();
    other = await say('elsewhere', 'yes');
    thread = mine;
    here = await say('first', 'one');
  });

  it.each([
    ['nothing', () => toWireId('message', new UuidV7Ids().next()), 404, 'MESSAGE_NOT_FOUND'],
    ['a message of somebody else', () => foreign, 404, 'MESSAGE_NOT_FOUND'],
    ['a message of another thread', () => other.assistantMessage.id, 404, 'MESSAGE_NOT_FOUND'],
    ['a message of a person', () => here.userMessage.id, 422, 'MESSAGE_NOT_AN_ANSWER'],
  ])('is refused, and nothing has changed: %s', async (_name, parentId, status, code) => {
    const before = [await parley.ownedRows(), parley.upstream.requests.length];
    const answer = await ada.post(thread, upstreamModel, { content: 'second', parentId: parentId() });
    expect(answer).toMatchObject({ status, error: { code, param: 'parentId' } });
    expect([await parley.ownedRows(), parley.upstream.requests.length]).toEqual(before);
  });

  it('is refused when that is another model’s of the thread', async () => {
    const before = await parley.ownedRows();
    const parentId = here.assistantMessage.id;
    const answer = await ada.post(thread, 'demo', { content: 'second', parentId });
    expect(answer).toMatchObject({ status: 404, error: { code: 'MESSAGE_NOT_FOUND', param: 'parentId' } });
    expect(await parley.ownedRows()).toEqual(before);
  });
});

describe('regenerating', () => {
  async function refusesWithoutTrace(
    ask: () => Promise<{ status: number; error: unknown }>,
    status: number,
    code: string,
  ): Promise<void> {
    const before = [await parley.ownedRows(), parley.upstream.requests.length];
    expect(await ask()).toMatchObject({ status, error: { code } });
    expect([await parley.ownedRows(), parley.upstream.requests.length]).toEqual(before);
  }

  it('is refused for what is not there or not yours', async () => {
    const { assistantMessage } = await say('first', 'one');
    const absent = toWireId('message', new UuidV7Ids().next());
    await refusesWithoutTrace(() => regenerate(absent), 404, 'MESSAGE_NOT_FOUND');
    await refusesWithoutTrace(() => regenerate(assistantMessage.id, {}, bob), 404, 'MESSAGE_NOT_FOUND');
  });

  it('is refused for a message of a person', async () => {
    const { userMessage } = await say('first', 'one');
    await refusesWithoutTrace(() => regenerate(userMessage.id), 422, 'MESSAGE_NOT_AN_ANSWER');
  });

  it('is refused for what answers nobody, as imports may have it', async () => {
    const { assistantMessage } = await say('first', 'one');
    const change = (columns: string, content: string): Promise<unknown> =>
      parley.first.database.query(
        `UPDATE messages SET ${columns} WHERE content = $1 AND thread_id = (SELECT id FROM threads ORDER BY id DESC LIMIT 1)`,
        [content],
      );
    await change(`role = 'tool'`, 'one');
    await refusesWithoutTrace(() => regenerate(assistantMessage.id), 422, 'MESSAGE_NOT_AN_ANSWER');
    await change(`role = 'assistant'`, 'one');
    await change(`role = 'system'`, 'first');
    await refusesWithoutTrace(() => regenerate(assistantMessage.id), 422, 'MESSAGE_NOT_AN_ANSWER');
    await change('parent_id = NULL', 'one');
    await refusesWithoutTrace(() => regenerate(assistantMessage.id), 422, 'MESSAGE_NOT_AN_ANSWER');
  });

  it('is refused to a token that does not include the model', async () => {
    const { assistantMessage } = await say('first', 'one');
    const issued = await ada.ask<{ token: string }>('POST', '/api/tokens', {
      ...{ name: 'demo alone', scopes: ['write'], models: ['demo'] },
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    await refusesWithoutTrace(
      async () => {
        const response = await fetch(`${parley.first.url}/api/messages/${assistantMessage.id}/regenerate`, {
          method: 'POST',
          body: '{}',
          headers: { authorization: `Bearer ${issued.data.token}`, 'content-type': 'application/json' },
        });
        return { status: response.status, ...((await response.json()) as { error: unknown }) };
      },
      403,
      'MODEL_NOT_GRANTED',
    );
  });

  it('is refused at a temperature that the model does not take, and for another model', async () => {
    const { assistantMessage } = await say('first', 'one');
    const hot = { temperature: 3 };
    await refusesWithoutTrace(() => regenerate(assistantMessage.id, hot), 400, 'TEMPERATURE_OUT_OF_RANGE');
    const elsewhere = { modelId: 'demo' };
    await refusesWithoutTrace(() => regenerate(assistantMessage.id, elsewhere), 400, 'VALIDATION_FAILED');
  });

  it('is refused when the model is gone', async () => {
    const { assistantMessage } = await say('first', 'one');
    await parley.first.database.query(
      `UPDATE messages SET model_id = 'gone' WHERE content IN ('first', 'one')`,
    );
    await refusesWithoutTrace(() => regenerate(assistantMessage.id), 404, 'MODEL_NOT_FOUND');
  });

  it('adds an answer beside the other, which stays, and goes on from there', async () => {
    const first = await say('first', 'one');
    parley.upstream.enqueue(answers('another'));
    const again = await regenerate(first.assistantMessage.id, {
      ...{ temperature: 0.5, maxOutputTokens: 99, systemPrompt: 'Be brief.' },
    });
    expect(again.status).toBe(200);
    expect(again.data.userMessage).toEqual(first.userMessage);
    const { assistantMessage } = again.data;
    expect(assistantMessage).toMatchObject({
      ...{ content: 'another', parentId: first.userMessage.id, status: 'complete', temperature: 0.5 },
    });
    expect(told()).toEqual(['system: Be brief.', 'user: first']);
    expect(JSON.parse(parley.upstream.requests.at(-1)?.body ?? '')).toMatchObject({ max_tokens: 99 });
    expect(await list()).toEqual([first.userMessage, assistantMessage]);
    expect(await list('&branch=all')).toEqual([first.userMessage, first.assistantMessage, assistantMessage]);
    await say('second', 'two');
    expect(told()).toEqual(['user: first', 'assistant: another', 'user: second']);
    const { data } = await ada.ask<ThreadDetailDto>('GET', `/api/threads/${thread}`);
    expect(data).toMatchObject({ messageCount: 5, models: { [upstreamModel]: { messageCount: 5 } } });
    const deleted = await ada.ask('DELETE', `/api/threads/${thread}`);
    expect(deleted.data).toEqual({ deletedThread: thread, deletedMessages: 5 });
  });

  it('in the middle leaves aside what came after', async () => {
    const first = await say('first', 'one');
    await say('second', 'two');
    parley.upstream.enqueue(answers('another'));
    await regenerate(first.assistantMessage.id);
    expect(told()).toEqual(['user: first']);
    expect(await contents()).toEqual(['first', 'another']);
    expect(await contents('&branch=all')).toEqual(['first', 'one', 'second', 'two', 'another']);
  });

  it('streams the events of a post', async () => {
    const { userMessage, assistantMessage } = await say('first', 'one');
    parley.upstream.enqueue(answers('an', 'other'));
    const abort = new AbortController();
    const response = await ada.browser.fetch(`/api/messages/${assistantMessage.id}/regenerate`, {
      method: 'POST',
      body: JSON.stringify({ stream: true }),
      headers: { 'content-type': 'application/json' },
    });
    const events = await new OpenStream(response, abort).rest();
    expect(events.map(({ type }) => type)).toEqual([
      ...['message_start', 'token', 'token', 'message_complete', 'close'],
    ]);
    const [, stored] = await list();
    expect(stored).toMatchObject({ content: 'another' });
    expect(events[0]?.data).toMatchObject({ messageId: stored?.id, userMessageId: userMessage.id });
  });
});

describe('branches', () => {
  it('tell the model what was said along them, and nothing else', async () => {
    const first = await say('first', 'one');
    const second = await say('second', 'two');
    const edited = await say('second, edited', 'two, edited', first.assistantMessage.id);
    expect(told()).toEqual(['user: first', 'assistant: one', 'user: second, edited']);
    expect(edited.userMessage.parentId).toBe(first.assistantMessage.id);
    await say('third', 'three');
    expect(told()).toEqual([
      ...['user: first', 'assistant: one', 'user: second, edited', 'assistant: two, edited', 'user: third'],
    ]);
    await say('third, back', 'three, back', second.assistantMessage.id);
    expect(told()).toEqual([
      ...['user: first', 'assistant: one', 'user: second', 'assistant: two', 'user: third, back'],
    ]);
    await say('begun anew', 'anew', null);
    expect(told()).toEqual(['user: begun anew']);
    expect(await contents()).toEqual(['begun anew', 'anew']);
    await say('on', 'and on');
    expect(told()).toEqual(['user: begun anew', 'assistant: anew', 'user: on']);
  });

  it('take the end of the current one for their parent, too', async () => {
    const first = await say('first', 'one');
    await say('second', 'two', first.assistantMessage.id);
    expect(await contents()).toEqual(['first', 'one', 'second', 'two']);
  });

  it('of a model leave those of another alone', async () => {
    const first = await say('first', 'one');
    await ada.post(thread, 'demo', { content: 'for the demo' });
    const ofDemo = (await list()).filter(({ modelId }) => modelId === 'demo');
    await say('edited', 'again', null);
    const all = await list();
    expect(all.filter(({ modelId }) => modelId === 'demo')).toEqual(ofDemo);
    expect(all.map(({ content }) => content)).not.toContain(first.userMessage.content);
    expect(told()).toEqual(['user: edited']);
  });

  it('are what the messages of a random conversation of two models say', async () => {
    await walkAtRandom(40);
  });
});

/** Posts, edits and regenerates at random, but the same each time, and compares each list with a tree kept here. */
async function walkAtRandom(steps: number): Promise<void> {
  const models = ['demo', upstreamModel];
  parley.upstream.route('POST', '/chat/completions', answers('Hello'));
  const tree = new Map<string, MessageDto>();
  const leaves = new Map<string, string>();
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let step = 0; step < steps; step++) {
    const model = models[random(2)] ?? '';
    const known = [...tree.values()].filter(({ modelId, role }) => modelId === model && role === 'assistant');
    const chosen = known[random(known.length + 1)]?.id ?? null;
    const parent = random(2) === 0 ? {} : { parentId: chosen };
    const answer =
      chosen !== null && random(3) === 0
        ? await regenerate(chosen)
        : await ada.post(thread, model, { content: `step ${step}`, ...parent });
    expect(answer.status).toBe(200);
    for (const message of Object.values(answer.data) as MessageDto[]) tree.set(message.id, message);
    leaves.set(model, answer.data.assistantMessage.id);
    const branch: MessageDto[] = [];
    for (const leaf of leaves.values()) {
      for (let at = tree.get(leaf); at !== undefined; at = tree.get(at.parentId ?? '')) branch.push(at);
    }
    expect(await list()).toEqual(branch.sort((a, b) => (a.id < b.id ? -1 : 1)));
  }
  expect(await list('&branch=all')).toEqual([...tree.values()]);
  const { data } = await ada.ask<ThreadDetailDto>('GET', `/api/threads/${thread}`);
  expect(data.messageCount).toBe(tree.size);
}

describe('while an answer is generated', () => {
  it('nothing else of its model is answered or moved, and what another model says is', async () => {
    const first = await say('first', 'one');
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('two'), { gates: { 0: gate } }));
    const posted = ada.post(thread, upstreamModel, { content: 'second' });
    await parley.upstream.nextExchange();
    await parley.upstream.nextExchange();
    const before = await list();
    const pending = before.at(-1)?.id ?? '';
    for (const refused of [
      await regenerate(first.assistantMessage.id),
      await regenerate(first.assistantMessage.id, {}, adaAtSecond),
      await regenerate(pending),
      await ada.post(thread, upstreamModel, { content: 'edited', parentId: null }),
      await ada.post(thread, upstreamModel, { content: 'too early', parentId: pending }),
    ]) {
      expect(refused).toMatchObject({ status: 409, error: { code: 'GENERATION_IN_PROGRESS' } });
    }
    expect(await list()).toEqual(before);
    expect(await list('&branch=all')).toEqual(before);
    expect((await ada.post(thread, 'demo', { content: 'Hi' })).status).toBe(200);
    gate.open();
    expect((await posted).data.assistantMessage.content).toBe('two');
    expect((await list()).slice(0, 3)).toEqual(before.slice(0, 3));
  });

  it('of many who branch at once, on two replicas, one is answered', async () => {
    const first = await say('first', 'one');
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('another'), { gates: { 0: gate } }));
    const asked = Array.from({ length: 12 }, (_, index) => {
      const person = index % 2 === 0 ? ada : adaAtSecond;
      return index % 3 === 0
        ? person.post(thread, upstreamModel, { content: `edit ${index}`, parentId: null })
        : regenerate(first.assistantMessage.id, {}, person);
    });
    const settled: Answer[] = [];
    const counted = Promise.withResolvers<undefined>();
    for (const one of asked) {
      void one.then((answer) => {
        settled.push(answer);
        if (settled.length === asked.length - 1) counted.resolve(undefined);
      });
    }
    await counted.promise;
    expect(settled.map(({ error }) => error?.code)).toEqual(settled.map(() => 'GENERATION_IN_PROGRESS'));
    gate.open();
    const winner = (await Promise.all(asked)).find(({ status }) => status === 200);
    const { userMessage, assistantMessage } = winner?.data ?? {};
    expect(await list()).toEqual([userMessage, assistantMessage]);
    const { data } = await ada.ask<ThreadDetailDto>('GET', `/api/threads/${thread}`);
    expect((await list('&branch=all')).length).toBe(data.messageCount);
  });
});

describe('the list of messages', () => {
  it('is the current branch, or everything, of the thread or of a model', async () => {
    await say('first', 'one');
    await say('edited', 'again', null);
    await ada.post(thread, 'demo', { content: 'Hi' });
    const all = await list('&branch=all');
    expect(all).toHaveLength(6);
    expect(await list('&branch=current')).toEqual(all.slice(2));
    const ofModel = `/api/threads/${thread}/models/${upstreamModel}/messages`;
    expect((await ada.ask('GET', ofModel)).data).toEqual(all.slice(2, 4));
    expect((await ada.ask('GET', `${ofModel}?branch=all`)).data).toEqual(all.slice(0, 4));
    expect((await ada.ask('GET', `${ofModel}?branch=other`)).error).toMatchObject({
      ...{ code: 'VALIDATION_FAILED', param: 'branch' },
    });
  });

  it('refuses the cursor of the other list', async () => {
    await say('first', 'one');
    const path = `/api/threads/${thread}/messages?limit=1`;
    const { pagination } = await ada.ask('GET', path);
    const answer = await ada.ask('GET', `${path}&branch=all&cursor=${String(pagination.cursor)}`);
    expect(answer).toMatchObject({ status: 400, error: { code: 'INVALID_CURSOR' } });
  });

  it.each([
    ['asc', ['begin', 'and', 'fork', 'here', 'right', 'way']],
    ['desc', ['end', 'last', 'here', 'fork', 'and', 'begin']],
  ])('goes on where it was when the branch changes between its pages: %s', async (order, expected) => {
    await say('begin', 'and');
    const fork = await say('fork', 'here');
    await say('left', 'the');
    await ada.post(thread, 'demo', { content: 'aside' });
    const seen: string[] = [];
    const path = `/api/threads/${thread}/models/${upstreamModel}/messages?limit=2&order=${order}`;
    if (order === 'desc') await say('last', 'end');
    for (let cursor = ''; ;) {
      const { data, pagination } = await ada.ask<MessageDto[]>('GET', path + cursor);
      seen.push(...data.map(({ content }) => content));
      if (seen.length === 2) await say('right', 'way', fork.assistantMessage.id);
      if (pagination.cursor === null) break;
      cursor = `&cursor=${pagination.cursor}`;
    }
    expect(seen).toEqual(expected);
  });
});
