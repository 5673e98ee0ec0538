import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { toWireId } from '../../src/common/ids.js';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import { Parley, upstreamModel, type Person } from '../support/parley.js';
import { chunksOf, postChat, UiChat, userMessage, type AnswerMessage } from '../support/ui-chat.js';

const modelId = 'demo';

let parley: Parley;
let ada: Person;
let bob: Person;
/** A conversation of Ada's, under her client's id. */
let mine: UiChat;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
  bob = await parley.first.logIn('bob');
  mine = await conversation(ada);
});

afterAll(() => parley.stop());

async function conversation(person: Person): Promise<UiChat> {
  const chat = new UiChat(person, { body: { modelId } });
  await chat.sendMessage({ text: 'Hi' });
  expect(chat.status).toBe('ready');
  return chat;
}

function answerIn(chat: UiChat): AnswerMessage {
  const answer = chat.lastMessage;
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

async function expectRefused(
  response: Response,
  status: number,
  error: { readonly code: string; readonly param?: string },
): Promise<void> {
  expect([response.status, await response.json()]).toMatchObject([status, { success: false, error }]);
}

async function changesNothing(work: () => Promise<void>): Promise<void> {
  const before = await parley.ownedRows();
  await work();
  expect(await parley.ownedRows()).toEqual(before);
}

const text = { type: 'text', text: 'Hi' };
const user = (parts: unknown): object => ({ id: 'x', role: 'user', parts });
const file = { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' };
const result = {
  ...{ type: 'dynamic-tool', toolName: 'look', toolCallId: 'call_1' },
  ...{ state: 'output-available', input: {}, output: 'a tree' },
};
const assistant = (parts: unknown[]): object => ({ id: 'y', role: 'assistant', parts });

describe('a chat is refused, and nothing is kept,', () => {
  it.each<[string, object, string, string]>([
    ['a file', { messages: [user([text, file])] }, 'UNSUPPORTED_PARAMETER', 'messages.0.parts.1'],
    ['a file alone', { message: user([file]) }, 'UNSUPPORTED_PARAMETER', 'message.parts.0'],
    [
      ...(['data of the front end', { messages: [user([{ type: 'data-place', data: 1 }])] }] as const),
      ...(['UNSUPPORTED_PARAMETER', 'messages.0.parts.0'] as const),
    ],
    [
      ...(['what a tool answered', { messages: [user([text]), assistant([text, result])] }] as const),
      ...(['UNSUPPORTED_PARAMETER', 'messages.1.parts.1'] as const),
    ],
    ['an answer alone', { messages: [user([text]), assistant([text])] }, 'VALIDATION_FAILED', 'messages'],
    ['an answer as the message', { message: assistant([text]) }, 'VALIDATION_FAILED', 'message.role'],
    ['nothing', {}, 'VALIDATION_FAILED', 'messages'],
    ['no messages', { messages: [] }, 'VALIDATION_FAILED', 'messages'],
    ['both', { message: user([text]), messages: [user([text])] }, 'VALIDATION_FAILED', 'message'],
    ['no parts', { messages: [user([])] }, 'VALIDATION_FAILED', 'messages.0.parts'],
    ['blank text', { message: user([{ ...text, text: ' \n' }]) }, 'VALIDATION_FAILED', 'message.parts'],
    ['NUL', { message: user([{ ...text, text: 'a\0b' }]) }, 'VALIDATION_FAILED', 'message.parts'],
    [
      ...(['too much text', { message: user([{ ...text, text: 'x'.repeat(500_001) }]) }] as const),
      ...(['VALIDATION_FAILED', 'message.parts'] as const),
    ],
    ['text that is none', { message: user([{ type: 'text' }]) }, 'VALIDATION_FAILED', 'message.parts.0.text'],
    ['a part that is none', { message: user(['Hi']) }, 'VALIDATION_FAILED', 'message.parts.0'],
    [
      'content of another API',
      { message: { role: 'user', content: 'Hi' } },
      'VALIDATION_FAILED',
      'message.parts',
    ],
    [
      'another role',
      { messages: [{ role: 'tool', parts: [] }, user([text])] },
      'VALIDATION_FAILED',
      'messages.0.role',
    ],
    ['a message that is none', { messages: ['Hi', user([text])] }, 'VALIDATION_FAILED', 'messages.0'],
    ['another trigger', { message: user([text]), trigger: 'resume-stream' }, 'VALIDATION_FAILED', 'trigger'],
    ['an unknown field', { message: user([text]), sessionId: 'x' }, 'VALIDATION_FAILED', 'sessionId'],
    ['no name', { message: user([text]), id: '' }, 'VALIDATION_FAILED', 'id'],
    ['a long name', { message: user([text]), id: 'x'.repeat(201) }, 'VALIDATION_FAILED', 'id'],
    ['a name with a space', { message: user([text]), id: 'a b' }, 'VALIDATION_FAILED', 'id'],
    [
      ...(['an edit of another than the last', { messages: [user([text])], messageId: 'z' }] as const),
      ...(['VALIDATION_FAILED', 'messageId'] as const),
    ],
  ])('for %s', async (_what, body, code, param) => {
    await changesNothing(async () => {
      await expectRefused(await postChat(ada, { id: randomUUID(), modelId, ...body }), 400, { code, param });
    });
  });

  it.each([
    ['a model that is not there', { modelId: 'nobody' }, 404, { code: 'MODEL_NOT_FOUND' }],
    ['a model that does not chat', { modelId: 'demo-embedding' }, 422, { code: 'MODEL_CANNOT_CHAT' }],
    [
      ...(['a temperature', { modelId, temperature: 5 }, 400] as const),
      { code: 'TEMPERATURE_OUT_OF_RANGE', param: 'temperature' },
    ],
    ['no model, of several', {}, 400, { code: 'VALIDATION_FAILED', param: 'modelId' }],
  ])('for %s', async (_what, body, status, error) => {
    await changesNothing(async () => {
      const id = randomUUID();
      await expectRefused(await postChat(ada, { id, message: user([text]), ...body }), status, error);
    });
  });

  it('in a thread of somebody else, or under an id that is none', async () => {
    const thread = answerIn(mine).metadata?.threadId ?? '';
    await changesNothing(async () => {
      for (const id of [thread, toWireId('thread', randomUUID()), 'thread_x', 'thread_']) {
        const response = await postChat(bob, { id, message: user([text]), modelId });
        await expectRefused(response, 404, { code: 'THREAD_NOT_FOUND' });
      }
    });
  });

  it('after an answer of another thread, of somebody else, or that is none', async () => {
    const other = answerIn(await conversation(ada));
    const bobs = answerIn(await conversation(bob));
    const { userMessageId = '' } = answerIn(mine).metadata ?? {};
    await changesNothing(async () => {
      for (const [id, answer] of [
        [mine.id, other.id],
        [mine.id, bobs.id],
        [mine.id, userMessageId],
        [randomUUID(), other.id],
      ] as const) {
        const messages = [{ id: answer, role: 'assistant', parts: [text] }, user([text])];
        const response = await postChat(ada, { id, messages, modelId });
        await expectRefused(response, 404, { code: 'MESSAGE_NOT_FOUND', param: 'messages.0.id' });
      }
    });
  });

  it('once more for an answer that is not in it', async () => {
    const other = answerIn(await conversation(ada));
    await changesNothing(async () => {
      for (const messageId of [other.id, toWireId('message', randomUUID())]) {
        const response = await postChat(ada, {
          ...{ id: mine.id, trigger: 'regenerate-message', messageId, messages: [user([text])] },
        });
        await expectRefused(response, 404, { code: 'MESSAGE_NOT_FOUND' });
      }
      const { userMessageId } = answerIn(mine).metadata ?? {};
      const response = await postChat(ada, {
        ...{ id: mine.id, trigger: 'regenerate-message', messageId: userMessageId },
      });
      await expectRefused(response, 422, { code: 'MESSAGE_NOT_AN_ANSWER', param: 'messageId' });
    });
  });

  it('for an edit of a message that is sent alone, by an id that is not ours', async () => {
    await changesNothing(async () => {
      const response = await postChat(ada, { id: mine.id, message: user([text]), messageId: 'x' });
      await expectRefused(response, 404, { code: 'MESSAGE_NOT_FOUND', param: 'messageId' });
    });
  });

  it('and the stock client says why', async () => {
    const chat = new UiChat(ada, { body: { modelId: 'nobody' } });
    await chat.sendMessage({ text: 'Hi' });
    expect(chat.status).toBe('error');
    expect(JSON.parse(chat.error?.message ?? '')).toMatchObject({ error: { code: 'MODEL_NOT_FOUND' } });
  });
});

describe('what a front end shows beside our answers', () => {
  it('does not count: greetings, files and results of earlier messages, system messages', async () => {
    const messages = [
      { id: 'system', role: 'system', parts: [text] },
      { id: 'welcome', role: 'assistant', parts: [text] },
      ...mine.messages.map((message) => ({ ...message, parts: [file, result, ...message.parts] })),
      userMessage('And now?'),
    ];
    const chunks = await chunksOf(await postChat(ada, { id: mine.id, messages }));
    expect(chunks.at(-1)?.type).toBe('finish');
    const thread = await ada.messages(answerIn(mine).metadata?.threadId ?? '');
    expect(thread.map(({ content }) => content).slice(-2)[0]).toBe('And now?');
    expect(thread[2]?.parentId).toBe(answerIn(mine).id);
  });
});

describe('a program', () => {
  async function token(fields: object): Promise<(body: object) => Promise<Response>> {
    const { data } = await ada.ask<IssuedTokenDto>('POST', '/api/tokens', {
      ...{ name: 'x', expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
      ...fields,
    });
    return (body) =>
      fetch(`${parley.first.url}/api/chat`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${data.token}` },
      });
  }

  it('that may post messages but begin no threads can only go on', async () => {
    const ask = await token({ scopes: ['messages:write', 'completions:write', 'models:read'] });
    await changesNothing(async () => {
      await expectRefused(await ask({ id: randomUUID(), message: user([text]), modelId }), 403, {
        code: 'FORBIDDEN',
      });
    });
    const chunks = await chunksOf(await ask({ id: mine.id, message: user([text]) }));
    expect(chunks.at(-1)?.type).toBe('finish');
  });

  it('that may use one model need not name it', async () => {
    const ask = await token({ scopes: ['write'], models: [modelId] });
    const [start] = await chunksOf(await ask({ id: randomUUID(), message: user([text]) }));
    expect(start).toMatchObject({ messageMetadata: { modelId } });
    await changesNothing(async () => {
      const response = await ask({ id: randomUUID(), message: user([text]), modelId: upstreamModel });
      await expectRefused(response, 403, { code: 'MODEL_NOT_GRANTED' });
    });
  });
});
