import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { UIMessageChunk } from 'ai';
import { randomUUID } from 'node:crypto';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import type { ThreadDto } from '../../src/threads/dto/thread.dto.js';
import { answerPieces, answers, chunk, Parley, upstreamModel, type Person } from '../support/parley.js';
import { chunksOf, postChat, textOf, UiChat, userMessage, type AnswerMessage } from '../support/ui-chat.js';

const body = { modelId: upstreamModel };

let parley: Parley;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

function threadOf(chat: UiChat): string {
  return chat.messages.find(({ role }) => role === 'assistant')?.metadata?.threadId ?? '';
}

/** What the model was shown in each call so far: the texts that were said, in order. */
function shownToModel(): string[][] {
  return parley.upstream.requests.map(({ body: sent }) =>
    (JSON.parse(sent) as { messages: { content: string }[] }).messages.map(({ content }) => content),
  );
}

async function everything(thread: string): Promise<MessageDto[]> {
  return (await ada.ask<MessageDto[]>('GET', `/api/threads/${thread}/messages?branch=all`)).data;
}

/** Two exchanges of a stock chat: "One" and "Two", answered "1" and "2". */
async function twoExchanges(): Promise<UiChat> {
  const chat = new UiChat(ada, { body });
  parley.upstream.enqueue(answers('1'), answers('2'));
  await chat.sendMessage({ text: 'One' });
  await chat.sendMessage({ text: 'Two' });
  expect(chat.messages.map(textOf)).toEqual(['One', '1', 'Two', '2']);
  return chat;
}

describe('a stock chat', () => {
  it('is a thread that remembers what was said, and knows answers by their own ids', async () => {
    const finished: unknown[] = [];
    const chat = new UiChat(ada, { body, onFinish: (finish) => finished.push(finish) });
    parley.upstream.enqueue(answers('Hel', 'lo'), answers('Fine', '.'));
    await chat.sendMessage({ text: 'Hi' });
    await chat.sendMessage({ text: 'How are you?' });
    expect([chat.status, chat.error]).toEqual(['ready', undefined]);
    expect(finished).toMatchObject([
      { isAbort: false, isError: false, finishReason: 'stop' },
      { isAbort: false, isError: false, finishReason: 'stop' },
    ]);
    expect(shownToModel().at(-1)).toEqual(['Hi', 'Hello', 'How are you?']);
    const stored = await ada.messages(threadOf(chat));
    expect(stored.map(({ role, content, status }) => [role, content, status])).toEqual([
      ['user', 'Hi', 'complete'],
      ['assistant', 'Hello', 'complete'],
      ['user', 'How are you?', 'complete'],
      ['assistant', 'Fine.', 'complete'],
    ]);
    const answered = chat.messages.filter(({ role }) => role === 'assistant');
    expect(answered.map(({ id }) => id)).toEqual([stored[1]?.id, stored[3]?.id]);
    expect(answered[1]?.metadata).toMatchObject({
      userMessageId: stored[2]?.id,
      modelId: upstreamModel,
      status: 'complete',
      usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
    });
    const threads = await ada.ask<ThreadDto[]>('GET', '/api/threads');
    expect(threads.data.filter(({ id }) => id === threadOf(chat))).toMatchObject([{ messageCount: 4 }]);
  });

  it('answers with the protocol that its header names', async () => {
    parley.upstream.enqueue(answers('Hel', 'lo'));
    const response = await postChat(ada, { id: randomUUID(), messages: [userMessage('Hi')], ...body });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-vercel-ai-ui-message-stream': 'v1',
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const lines = await response.text();
    expect(lines.match(/(?<=^data: \{"type":")[\w-]+|\[DONE\]/gm)).toEqual([
      ...['start', 'text-start', 'text-delta', 'text-delta', 'text-end', 'finish', '[DONE]'],
    ]);
  });

  it('goes on with a thread that is opened from the list, and from its own id', async () => {
    const chat = await twoExchanges();
    const thread = threadOf(chat);
    const messages = (await ada.messages(thread)).map(({ id, role, content }): AnswerMessage => ({
      ...{ id, role: role === 'user' ? role : 'assistant', parts: [{ type: 'text', text: content }] },
    }));
    parley.upstream.enqueue(answers('3'));
    const opened = new UiChat(ada, { id: thread, messages });
    await opened.sendMessage({ text: 'Three' });
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two', '2', 'Three']);
    parley.upstream.enqueue(answers('4'));
    const again = new UiChat(ada, { id: chat.id, messages: opened.messages });
    await again.sendMessage({ text: 'Four' });
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two', '2', 'Three', '3', 'Four']);
    expect(await ada.messages(thread)).toHaveLength(8);
  });

  it('may send the new message alone', async () => {
    const chat = new UiChat(ada, { body, lastOnly: true });
    parley.upstream.enqueue(answers('1'), answers('2'), answers('2b'));
    await chat.sendMessage({ text: 'One' });
    await chat.sendMessage({ text: 'Two' });
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two']);
    await chat.regenerate();
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two']);
    expect(chat.messages.map(textOf)).toEqual(['One', '1', 'Two', '2b']);
    expect(await everything(threadOf(chat))).toHaveLength(5);
  });

  it('may edit a message that it sends alone, by our id of it', async () => {
    const chat = await twoExchanges();
    parley.upstream.enqueue(answers('1b'));
    const response = await postChat(ada, {
      id: chat.id,
      message: userMessage('One, please'),
      messageId: chat.messages[1]?.metadata?.userMessageId,
    });
    await chunksOf(response);
    expect(shownToModel().at(-1)).toEqual(['One, please']);
  });

  it('joins the texts of a message, and takes what may be said of its answer', async () => {
    parley.upstream.enqueue(answers('x'));
    const parts = ['One', 'Two'].map((text) => ({ type: 'text' as const, text }));
    const chat = new UiChat(ada, {
      body: { ...body, temperature: 0.5, maxOutputTokens: 20, systemPrompt: 'Be brief.' },
    });
    await chat.sendMessage({ parts });
    expect(shownToModel().at(-1)).toEqual(['Be brief.', 'One\n\nTwo']);
    expect(JSON.parse(parley.upstream.requests.at(-1)?.body ?? '')).toMatchObject({ temperature: 0.5 });
  });
});

describe('going back in a stock chat', () => {
  it('by editing a message makes a branch, and the other one stays', async () => {
    const chat = await twoExchanges();
    parley.upstream.enqueue(answers('2b'));
    await chat.sendMessage({ text: 'Two, please', messageId: chat.messages[2]?.id ?? '' });
    expect(chat.messages.map(textOf)).toEqual(['One', '1', 'Two, please', '2b']);
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two, please']);
    expect((await ada.messages(threadOf(chat))).map(({ content }) => content)).toEqual(
      chat.messages.map(textOf),
    );
    expect(await everything(threadOf(chat))).toHaveLength(6);
  });

  it('to the first message begins anew', async () => {
    const chat = await twoExchanges();
    parley.upstream.enqueue(answers('1b'));
    await chat.sendMessage({ text: 'One, please', messageId: chat.messages[0]?.id ?? '' });
    expect(shownToModel().at(-1)).toEqual(['One, please']);
    expect((await ada.messages(threadOf(chat))).map(({ content }) => content)).toEqual(['One, please', '1b']);
  });

  it('asks for the last answer once more, beside it', async () => {
    const chat = await twoExchanges();
    parley.upstream.enqueue(answers('2b'));
    const before = chat.lastMessage?.id;
    await chat.regenerate();
    expect(chat.messages.map(textOf)).toEqual(['One', '1', 'Two', '2b']);
    expect(chat.lastMessage?.id).not.toBe(before);
    const tree = await everything(threadOf(chat));
    expect(tree).toHaveLength(5);
    expect(tree.filter(({ content }) => content === 'Two')).toHaveLength(1);
  });

  it('asks for an earlier answer once more, from there', async () => {
    const chat = await twoExchanges();
    parley.upstream.enqueue(answers('1b'), answers('2b'));
    await chat.regenerate({ messageId: chat.messages[1]?.id ?? '' });
    expect(chat.messages.map(textOf)).toEqual(['One', '1b']);
    await chat.sendMessage({ text: 'Two again' });
    expect(shownToModel().at(-1)).toEqual(['One', '1b', 'Two again']);
  });

  it('asks for the answer to a message that is named itself once more', async () => {
    const chat = await twoExchanges();
    parley.upstream.enqueue(answers('1b'));
    await chat.regenerate({ messageId: chat.messages[0]?.id ?? '' });
    expect(chat.messages.map(textOf)).toEqual(['One', '1b']);
    const tree = await everything(threadOf(chat));
    expect(tree.map(({ content }) => content)).toEqual(['One', '1', 'Two', '2', '1b']);
  });

  it('sends a message that never arrived when its answer is asked for again', async () => {
    const chat = await twoExchanges();
    const refused = new UiChat(ada, { id: chat.id, messages: chat.messages, body: { modelId: 'nobody' } });
    await refused.sendMessage({ text: 'Three' });
    expect(refused.error?.message).toContain('MODEL_NOT_FOUND');
    parley.upstream.enqueue(answers('3'));
    const again = new UiChat(ada, { id: chat.id, messages: refused.messages });
    await again.regenerate();
    expect(again.messages.map(textOf)).toEqual(['One', '1', 'Two', '2', 'Three', '3']);
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two', '2', 'Three']);
  });

  it('has another model say what an answer was asked for', async () => {
    const chat = await twoExchanges();
    const other = new UiChat(ada, { id: chat.id, messages: chat.messages, body: { modelId: 'demo' } });
    await other.regenerate();
    expect(other.status).toBe('ready');
    const ofDemo = (await everything(threadOf(chat))).filter(({ modelId }) => modelId === 'demo');
    expect(ofDemo.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Two'],
      ['assistant', other.text],
    ]);
  });
});

describe('the model that answers', () => {
  it('is the one that answered before, of those that the front end shows', async () => {
    const chat = await twoExchanges();
    const demo = new UiChat(ada, { id: chat.id, messages: chat.messages, body: { modelId: 'demo' } });
    await demo.sendMessage({ text: 'And you?' });
    parley.upstream.enqueue(answers('3'));
    // Shows nothing of the other model.
    const back = new UiChat(ada, { id: chat.id, messages: chat.messages });
    await back.sendMessage({ text: 'Three' });
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two', '2', 'Three']);
    const response = await postChat(ada, { id: chat.id, message: userMessage('Four') });
    // Used last in the thread; nothing is scripted for it.
    expect((await chunksOf(response))[0]).toMatchObject({ messageMetadata: { modelId: upstreamModel } });
  });

  it('of several is asked in turns, each going on with its own branch', async () => {
    const chat = await twoExchanges();
    const demo = new UiChat(ada, { id: chat.id, messages: chat.messages, body: { modelId: 'demo' } });
    await demo.sendMessage({ text: 'And you?' });
    await demo.sendMessage({ text: 'Really?' });
    parley.upstream.enqueue(answers('3'));
    const back = new UiChat(ada, { id: chat.id, messages: demo.messages, body });
    await back.sendMessage({ text: 'Three' });
    expect(shownToModel().at(-1)).toEqual(['One', '1', 'Two', '2', 'Three']);
    const current = (await ada.messages(threadOf(chat))).map(({ content }) => content);
    expect(current).toEqual(back.messages.map(textOf));
  });
});

describe('what an answer has beside its text', () => {
  it('is reasoning, and calls of tools', async () => {
    const call = {
      index: 0,
      id: 'call_1',
      type: 'function',
      function: { name: 'look', arguments: '{"a":1}' },
    };
    parley.upstream.enqueue(
      stream([
        chunk({ role: 'assistant', content: '' }),
        chunk({ reasoning_content: 'Let me' }),
        chunk({ reasoning_content: ' see.' }),
        chunk({ content: 'Looking.' }),
        chunk({ tool_calls: [call] }),
        chunk({}, 'tool_calls'),
        'data: [DONE]\n\n',
      ]),
    );
    const called: unknown[] = [];
    const chat = new UiChat(ada, { body, onToolCall: ({ toolCall }) => void called.push(toolCall) });
    await chat.sendMessage({ text: 'Hi' });
    expect([chat.status, chat.error]).toEqual(['ready', undefined]);
    expect(chat.lastMessage?.parts).toMatchObject([
      { type: 'reasoning', text: 'Let me see.', state: 'done' },
      { type: 'text', text: 'Looking.', state: 'done' },
      { ...{ type: 'dynamic-tool', toolName: 'look', toolCallId: 'call_1', input: { a: 1 } } },
    ]);
    expect(called).toMatchObject([{ toolName: 'look', dynamic: true }]);
  });

  it('is told while it waits, and not kept', async () => {
    parley.upstream.enqueue(json({}, { status: 503 }), answers('Hello'));
    const told: unknown[] = [];
    const chat = new UiChat(ada, { body, onData: (part) => void told.push(part) });
    await chat.sendMessage({ text: 'Hi' });
    expect(told).toMatchObject([
      { type: 'data-status', data: { status: 'retrying', modelId: upstreamModel } },
    ]);
    expect(chat.lastMessage?.parts).toMatchObject([{ type: 'text', text: 'Hello' }]);
  });
});

describe('the same chat at once', () => {
  it('becomes one thread, however many begin it', async () => {
    const id = randomUUID();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello'), { gates: { 1: gate } }));
    const sent = Array.from({ length: 6 }, () => postChat(ada, { id, message: userMessage('Hi'), ...body }));
    const settled = await Promise.all(
      sent.map((response) =>
        response.then(async (one) => ({ one, refused: one.ok ? '' : await one.text() })),
      ),
    );
    expect(settled.filter(({ one }) => one.ok)).toHaveLength(1);
    for (const { one, refused } of settled) {
      if (!one.ok) expect([one.status, refused.includes('GENERATION_IN_PROGRESS')]).toEqual([409, true]);
    }
    gate.open();
    const first: UIMessageChunk[] = await chunksOf(settled.find(({ one }) => one.ok)?.one ?? new Response());
    expect(first.at(-1)?.type).toBe('finish');
    expect(
      await parley.first.database.query('SELECT message_count FROM threads WHERE client_id = $1', [id]),
    ).toEqual([{ message_count: 2 }]);
  });

  it('is one thread for each person', async () => {
    const bob = await parley.first.logIn('bob');
    const id = randomUUID();
    for (const person of [ada, bob]) {
      parley.upstream.enqueue(answers('Hello'));
      await chunksOf(await postChat(person, { id, messages: [userMessage('Hi')], ...body }));
    }
    const rows: unknown = await parley.first.database.query(
      'SELECT count(DISTINCT user_id)::int AS owners, count(*)::int AS threads FROM threads WHERE client_id = $1',
      [id],
    );
    expect(rows).toEqual([{ owners: 2, threads: 2 }]);
  });
});

describe('an Idempotency-Key in a chat', () => {
  it('makes the same request the same two messages, also when it began the thread', async () => {
    const request = { id: randomUUID(), messages: [userMessage('Hi')], ...body };
    const headers = { 'idempotency-key': randomUUID() };
    parley.upstream.enqueue(answers('Hello'));
    const first = await chunksOf(await postChat(ada, request, headers));
    const second = await chunksOf(await postChat(ada, request, headers));
    expect(second[0]).toEqual(first[0]);
    expect(parley.upstream.requests).toHaveLength(1);
    const reused = await postChat(ada, { ...request, messages: [userMessage('Ho')] }, headers);
    expect([reused.status, await reused.json()]).toMatchObject([
      422,
      { error: { code: 'IDEMPOTENCY_KEY_REUSED' } },
    ]);
  });

  it('holds for an answer once more, of a message that had not arrived', async () => {
    const request = {
      ...{ id: randomUUID(), messages: [userMessage('Hi')], trigger: 'regenerate-message', ...body },
    };
    const headers = { 'idempotency-key': randomUUID() };
    parley.upstream.enqueue(answers('Hello'));
    const first = await chunksOf(await postChat(ada, request, headers));
    const second = await chunksOf(await postChat(ada, request, headers));
    expect(second[0]).toEqual(first[0]);
    expect(parley.upstream.requests).toHaveLength(1);
  });
});
