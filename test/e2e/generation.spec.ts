import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { Message } from '../../src/messages/message.entity.js';
import { MessagesService } from '../../src/messages/messages.service.js';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import { json, silence, stream } from '../../bench/upstream/scripts.js';
import {
  answerPieces,
  answers,
  breaksOff,
  eventually,
  Parley,
  upstreamModel,
  type Person,
} from '../support/parley.js';

let parley: Parley;
let ada: Person;
let thread: string;

beforeAll(async () => {
  parley = await Parley.start({ 'generation.firstTokenTimeoutMs': 10_000, 'generation.idleTimeoutMs': 300 });
  ada = await parley.first.logIn('ada');
});

beforeEach(async () => {
  thread = await ada.createThread();
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

function messages(): Promise<MessageDto[]> {
  return ada.messages(thread);
}

async function lastMessage(): Promise<MessageDto> {
  const last = (await messages()).at(-1);
  if (last === undefined) throw new Error('no message');
  return last;
}

/** The answer as stored once it is finished. */
function finished(): Promise<MessageDto> {
  return eventually(async () => {
    const message = await lastMessage();
    return ['pending', 'streaming'].includes(message.status) ? undefined : message;
  });
}

function journal(): Promise<{ events: unknown[] }[]> {
  return parley.first.database.query('SELECT events FROM generation_journal');
}

async function journalRows(): Promise<number> {
  return (await journal()).length;
}

describe('an answer without a stream', () => {
  it('comes with both messages, as they are stored', async () => {
    parley.upstream.enqueue(answers('Hello', ' there'));
    const { status, data } = await ada.post(thread, upstreamModel, { content: 'Hi', temperature: 0.5 });
    expect(status).toBe(200);
    expect(data.userMessage).toMatchObject({ role: 'user', status: 'complete', content: 'Hi' });
    expect(data.assistantMessage).toMatchObject({
      role: 'assistant',
      status: 'complete',
      content: 'Hello there',
      parentId: data.userMessage.id,
      modelId: upstreamModel,
      providerModel: 'scripted-2026-11-20',
      temperature: 0.5,
      finishReason: 'stop',
      usage: { inputTokens: 7, outputTokens: 3, cachedTokens: null },
    });
    expect(await messages()).toEqual([data.userMessage, data.assistantMessage]);
    expect(await journalRows()).toBe(0);
  });

  it('gives the model what was said before, and what was asked for', async () => {
    parley.upstream.enqueue(answers('one'), answers('two'));
    await ada.post(thread, upstreamModel, { content: 'first' });
    await ada.post(thread, upstreamModel, {
      content: 'second',
      systemPrompt: 'Be brief.',
      maxOutputTokens: 99,
      temperature: 0,
    });
    expect(JSON.parse(parley.upstream.requests[1]?.body ?? '')).toMatchObject({
      model: upstreamModel,
      max_tokens: 99,
      temperature: 0,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'first' },
        { role: 'assistant', content: 'one' },
        { role: 'user', content: 'second' },
      ],
    });
  });

  it('keeps what each model of a thread was told apart', async () => {
    parley.upstream.enqueue(answers('one'));
    await ada.post(thread, 'demo', { content: 'for the demo' });
    await ada.post(thread, upstreamModel, { content: 'for the other' });
    const sent = JSON.parse(parley.upstream.requests[0]?.body ?? '') as { messages: unknown[] };
    expect(sent.messages).toHaveLength(1);
    expect(await messages()).toHaveLength(4);
    const { data } = await ada.ask('GET', `/api/threads/${thread}`);
    expect(data).toMatchObject({
      messageCount: 4,
      activeModels: ['demo', upstreamModel],
      models: { demo: { messageCount: 2 }, [upstreamModel]: { messageCount: 2 } },
    });
  });
});

describe('an answer that Postgres would refuse', () => {
  const chunk = (changes: object): string =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [], ...changes })}\n\n`;
  const delta = (content: string, finish: string | null = null): object => ({
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  });
  const done = 'data: [DONE]\n\n';

  it.each([
    ['NUL in its text', [chunk(delta('a\0b')), chunk(delta('', 'stop')), done], 'a\ufffdb'],
    ['half a character at its end', [chunk(delta('a\ud83d')), chunk(delta('', 'stop')), done], 'a\ufffd'],
    [
      'a character in two pieces',
      [chunk(delta('\ud83d')), chunk(delta('\ude00', 'stop')), done],
      '\u{1f600}',
    ],
    ['an endless name of its model', [chunk({ ...delta('a', 'stop'), model: 'm'.repeat(500) }), done], 'a'],
    ['an endless reason to end', [chunk(delta('a', 's'.repeat(500))), done], 'a'],
    [
      'more tokens than there are numbers',
      [
        chunk(delta('a', 'stop')),
        chunk({ usage: { prompt_tokens: 3e9, completion_tokens: 1, total_tokens: 3e9 } }),
        done,
      ],
      'a',
    ],
  ])('is kept all the same: %s', async (_name, pieces, content) => {
    parley.upstream.enqueue(stream(pieces));
    const answer = await ada.post(thread, upstreamModel, { content: 'Hi' });
    expect(answer.status).toBe(200);
    expect(answer.data.assistantMessage).toMatchObject({ status: 'complete', content });
    expect(await lastMessage()).toMatchObject({ content });
  });
});

describe('promise 1: both messages are committed before the provider is called', () => {
  it('shows them while the provider is being asked', async () => {
    parley.upstream.enqueue(silence);
    const posted = ada.post(thread, upstreamModel, { content: 'Hi' });
    const exchange = await parley.upstream.nextExchange();
    expect(await messages()).toMatchObject([
      { role: 'user', content: 'Hi', status: 'complete' },
      { role: 'assistant', content: '', status: 'pending' },
    ]);
    exchange.cut();
    parley.upstream.enqueue(answers('x'));
    await posted;
  });
});

describe('promise 2: deltas are journalled', () => {
  it('writes them while the model answers, and clears them at the end', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello', ' there'), { gates: { 3: gate } }));
    const posted = ada.post(thread, upstreamModel, { content: 'Hi' });
    const [row] = await eventually(async () => {
      const rows = await journal();
      return rows.length > 0 ? rows : undefined;
    });
    expect(row?.events[0]).toEqual({ type: 'token', token: 'Hello' });
    expect((await lastMessage()).status).toBe('streaming');
    gate.open();
    expect((await posted).data.assistantMessage.content).toBe('Hello there');
    expect(await journalRows()).toBe(0);
  });
});

describe('promise 3: only cancel stops a generation', () => {
  it('goes on when the client goes away', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello', ' there'), { gates: { 2: gate } }));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    await open.next();
    expect((await open.next()).data['token']).toBe('Hello');
    open.leave();
    gate.open();
    expect(await finished()).toMatchObject({ status: 'complete', content: 'Hello there' });
  });

  it('closes the connection to the provider and keeps the partial text', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const { data } = await open.next();
    await open.next();
    const exchange = await parley.upstream.nextExchange();
    const cancelled = await ada.ask('POST', `/api/messages/${String(data['messageId'])}/cancel`, {});
    expect(cancelled.status).toBe(200);
    expect(cancelled.data).toMatchObject({
      status: 'cancelled',
      content: 'Hel',
      errorCode: 'GENERATION_CANCELLED',
    });
    await exchange.closed;
    expect((await open.rest()).map(({ type, data: { code } }) => [type, code])).toEqual([
      ['error', 'GENERATION_CANCELLED'],
      ['close', undefined],
    ]);
    expect(await journalRows()).toBe(0);
  });

  it('cancels before the provider has answered at all', async () => {
    parley.upstream.enqueue(silence);
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const { data } = await open.next();
    const exchange = await parley.upstream.nextExchange();
    const cancelled = await ada.ask('POST', `/api/messages/${String(data['messageId'])}/cancel`, {});
    expect(cancelled.data).toMatchObject({ status: 'cancelled', content: '' });
    await exchange.closed;
  });

  it('leaves a finished message as it is', async () => {
    parley.upstream.enqueue(answers('done'));
    const { data } = await ada.post(thread, upstreamModel, { content: 'Hi' });
    const cancelled = await ada.ask('POST', `/api/messages/${data.assistantMessage.id}/cancel`, {});
    expect(cancelled).toMatchObject({ status: 200, data: { status: 'complete', content: 'done' } });
  });

  it('stops an answer before its thread is deleted', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    await open.next();
    const exchange = await parley.upstream.nextExchange();
    const deleted = await ada.ask('DELETE', `/api/threads/${thread}`);
    expect(deleted.data).toEqual({ deletedThread: thread, deletedMessages: 2 });
    await exchange.closed;
    expect((await open.rest()).at(-1)?.type).toBe('close');
  });
});

describe('the end of an answer whose thread is gone', () => {
  it('is written nowhere, and is no failure of the database', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    await open.next();
    const { app, database } = parley.first;
    const [message] = await database.getRepository(Message).findBy({ status: 'pending' });
    if (message === undefined) throw new Error('nothing is generated');
    await ada.ask('DELETE', `/api/threads/${thread}`);
    const end = app
      .get(MessagesService)
      .finish(message, { status: 'complete', parts: [{ type: 'text', text: 'Hel' }] }, () =>
        Promise.resolve(),
      );
    expect(await end).toBeNull();
    expect(
      await database.query('SELECT FROM thread_models WHERE thread_id = $1', [message.threadId]),
    ).toEqual([]);
  });
});

describe('promise 6: a failure is never a success', () => {
  const refusal = (status: number, code: string): ReturnType<typeof json> =>
    json({ error: { message: 'secret upstream words', type: 'x', code } }, { status });

  it.each([
    ['refuses our credential', refusal(401, 'invalid_api_key'), 502, 'PROVIDER_AUTHENTICATION_FAILED'],
    ['does not know the model', refusal(404, 'model_not_found'), 502, 'PROVIDER_MODEL_NOT_FOUND'],
    ['refuses the request', refusal(400, 'bad'), 502, 'PROVIDER_REQUEST_REFUSED'],
    ['finds it too long', refusal(400, 'context_length_exceeded'), 422, 'CONTEXT_LENGTH_EXCEEDED'],
    ['answers rubbish', stream(['data: {"choices": 7}\n\n']), 502, 'PROVIDER_INVALID_RESPONSE'],
  ])('before the first token, when the provider %s', async (_name, script, status, code) => {
    parley.upstream.enqueue(script);
    const answer = await ada.post(thread, upstreamModel, { content: 'Hi' });
    expect(answer.status).toBe(status);
    expect(answer.error?.code).toBe(code);
    expect(JSON.stringify(answer)).not.toContain('secret upstream words');
    const stored = await lastMessage();
    expect(stored).toMatchObject({ status: 'error', errorCode: code, content: '' });
    expect(answer.error?.details).toMatchObject({ messageId: stored.id });
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it('before the first token, when three answers in a row have nothing in them', async () => {
    parley.upstream.enqueue(stream([]), stream([]), stream([]));
    const answer = await ada.post(thread, upstreamModel, { content: 'Hi' });
    expect(answer).toMatchObject({ status: 502, error: { code: 'PROVIDER_INVALID_RESPONSE' } });
    expect(await lastMessage()).toMatchObject({ status: 'error', content: '' });
  });

  it('in an open stream is an error event, then close', async () => {
    parley.upstream.enqueue(refusal(401, 'invalid_api_key'));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const events = await open.rest();
    expect(events.map(({ type }) => type)).toEqual(['message_start', 'error', 'close']);
    expect(events[1]?.data).toMatchObject({ code: 'PROVIDER_AUTHENTICATION_FAILED', retryable: false });
  });

  it.each([
    ['ends without its terminator', 'end', 'interrupted', 'GENERATION_INTERRUPTED', 502],
    ['is half-closed', 'half-close', 'interrupted', 'GENERATION_INTERRUPTED', 502],
    ['is cut', 'cut', 'interrupted', 'GENERATION_INTERRUPTED', 502],
    ['stalls', 'stall', 'error', 'PROVIDER_TIMEOUT', 504],
  ] as const)(
    'after the first token, when the stream %s, keeps the text',
    async (_name, ending, status, code, http) => {
      parley.upstream.enqueue(breaksOff(['Hel', 'lo'], { ending }));
      const answer = await ada.post(thread, upstreamModel, { content: 'Hi' });
      expect(answer).toMatchObject({ status: http, error: { code } });
      expect(await lastMessage()).toMatchObject({
        status,
        content: 'Hello',
        errorCode: code,
        finishReason: null,
      });
      expect(parley.upstream.requests).toHaveLength(1);
    },
  );

  it('after the first token, when the provider says so in the stream', async () => {
    const pieces = [
      ...answerPieces('Hel').slice(0, 2),
      'data: {"error":{"message":"boom","code":"server_error"}}\n\n',
    ];
    parley.upstream.enqueue(stream(pieces));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const events = await open.rest();
    expect(events.map(({ type }) => type)).toEqual(['message_start', 'token', 'error', 'close']);
    expect(await lastMessage()).toMatchObject({ status: 'error', content: 'Hel' });
  });
});

describe('promise 7: retries before the first token', () => {
  it('happen at most twice, and are told', async () => {
    parley.upstream.enqueue(
      json({}, { status: 503 }),
      json({}, { status: 429, headers: { 'retry-after-ms': '20' } }),
      answers('Hello'),
    );
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const events = await open.rest();
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'status',
      'status',
      'token',
      'message_complete',
      'close',
    ]);
    expect(events[1]?.data).toMatchObject({ status: 'retrying' });
    expect(parley.upstream.requests).toHaveLength(3);
  });

  it('give up with the status of the last failure and its Retry-After', async () => {
    const limited = json({}, { status: 429, headers: { 'retry-after': '30' } });
    parley.upstream.enqueue(limited);
    const answer = await ada.post(thread, upstreamModel, { content: 'Hi' });
    expect(answer).toMatchObject({ status: 429, error: { code: 'PROVIDER_RATE_LIMITED' } });
    expect(answer.headers.get('retry-after')).toBe('30');
  });
});

describe('promise 8: no connection is held while a model thinks', () => {
  it('lets more people wait for models than the pool has connections', async () => {
    const threads = await Promise.all(Array.from({ length: 15 }, () => ada.createThread()));
    const gate = new Gate();
    for (const _thread of threads)
      parley.upstream.enqueue(stream(answerPieces('ok'), { gates: { 0: gate } }));
    const posted = threads.map((id) => ada.post(id, upstreamModel, { content: 'Hi' }));
    for (const _thread of threads) await parley.upstream.nextExchange();
    expect((await ada.ask('GET', '/api/threads')).status).toBe(200);
    gate.open();
    for (const answer of await Promise.all(posted)) expect(answer.status).toBe(200);
  });
});

describe('concurrent posts', () => {
  it('to the same model of a thread are refused while it answers', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello'), { gates: { 1: gate } }));
    const first = ada.post(thread, upstreamModel, { content: 'one' });
    await parley.upstream.nextExchange();
    const second = await ada.post(thread, upstreamModel, { content: 'two' });
    expect(second).toMatchObject({ status: 409, error: { code: 'GENERATION_IN_PROGRESS' } });
    gate.open();
    expect((await first).status).toBe(200);
    expect(await messages()).toHaveLength(2);
  });

  it('of which twenty come at once, one is answered', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello'), { gates: { 0: gate } }));
    let refused = 0;
    const posts = Array.from({ length: 20 }, async () => {
      const { status } = await ada.post(thread, upstreamModel, { content: 'Hi' });
      if (status === 409 && ++refused === 19) gate.open();
      return status;
    });
    expect((await Promise.all(posts)).sort()).toEqual([200, ...Array<number>(19).fill(409)]);
    expect(await messages()).toHaveLength(2);
  });

  it('to two models of a thread are answered side by side', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello'), { gates: { 1: gate } }));
    const slow = ada.post(thread, upstreamModel, { content: 'one' });
    await parley.upstream.nextExchange();
    expect((await ada.post(thread, 'demo', { content: 'two' })).status).toBe(200);
    gate.open();
    expect((await slow).status).toBe(200);
  });
});

describe('the native stream', () => {
  it('has the headers, the ids and the order of events that are promised', async () => {
    parley.upstream.enqueue(answers('Line one\n', '\nline: two'));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const { headers } = open.response;
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(headers.get('x-accel-buffering')).toBe('no');
    const events = await open.rest();
    const messageId = String(events[0]?.data['messageId']);
    // A number says how much of the answer its reader has; 999 comes before, and the end beyond.
    const numbers = [1, 999 + 9, 999 + 19, 1_000_000_000, 1_000_000_001];
    expect(events.map(({ id }) => id)).toEqual(numbers.map((number) => `${messageId}:${number}`));
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'token',
      'token',
      'message_complete',
      'close',
    ]);
    const assistant = await lastMessage();
    expect(events[0]?.data).toMatchObject({ messageId: assistant.id, userMessageId: assistant.parentId });
    expect(
      events
        .slice(1, 3)
        .map(({ data }) => data['token'])
        .join(''),
    ).toBe(assistant.content);
    expect(events[3]?.data).toMatchObject({
      totalTokens: 10,
      finishReason: 'stop',
      usage: { inputTokens: 7, outputTokens: 3 },
    });
    expect(events[4]?.data).toEqual({});
  });

  it('waits for a slow reader, who gets everything in the end', async () => {
    const words = Array.from({ length: 400 }, (_, index) => `${index} ${'x'.repeat(2000)} `);
    parley.upstream.enqueue(answers(...words));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    await open.next();
    const stored = await finished();
    const events = await open.rest();
    const text = events.map(({ type, data }) => (type === 'token' ? String(data['token']) : '')).join('');
    expect(text).toBe(stored.content);
    expect(text).toBe(words.join(''));
  });
});
