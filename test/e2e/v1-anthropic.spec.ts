import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import { AnthropicDoor, claude, credentialCanary, gemini } from '../support/anthropic-door.js';
import { expectMessage, readMessageStream } from '../support/anthropic-wire.js';
import { answerPieces, answers, upstreamModel, type Person } from '../support/parley.js';
import { issueToken } from '../support/programs.js';
import { Recordings } from '../support/recordings.js';

const anthropic = new Recordings('anthropic');
const google = new Recordings('google');
const openai = new Recordings('openai');
const asked = { model: upstreamModel, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] };

let door: AnthropicDoor;

beforeAll(async () => {
  door = await AnthropicDoor.open({ 'server.v1BodyLimitBytes': 100_000, 'rateLimit.v1': 1000 });
});

afterEach(() => {
  const { surprises } = door.upstream;
  door.upstream.reset();
  expect(surprises).toEqual([]);
});

afterAll(() => door.stop());

interface Refusal {
  readonly type: string;
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id: string;
}

/** That it is an error as Anthropic has them. */
async function refusal(response: Response): Promise<readonly [number, string, string]> {
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const body = (await response.json()) as Refusal;
  expect(Object.keys(body).sort()).toEqual(['error', 'request_id', 'type']);
  expect(body).toMatchObject({ type: 'error', request_id: response.headers.get('request-id') });
  expect(body.request_id).toBe(response.headers.get('x-request-id'));
  return [response.status, body.error.type, body.error.message];
}

describe('a request that is refused', () => {
  const paths = ['/v1/messages', '/v1/messages/count_tokens'];

  it.each([
    ['no credential', { 'x-api-key': '' }, 401, 'authentication_error'],
    ['another scheme', { 'x-api-key': '', authorization: 'Basic YTpi' }, 401, 'authentication_error'],
    ['two credentials that differ', { authorization: 'Bearer another' }, 401, 'authentication_error'],
    ['a version that is none', { 'anthropic-version': 'latest' }, 400, 'invalid_request_error'],
    ['betas that are none', { 'anthropic-beta': 'a;b' }, 400, 'invalid_request_error'],
    ['a workspace', { 'anthropic-workspace-id': 'wrkspc_1' }, 400, 'invalid_request_error'],
    ['another type', { 'content-type': 'text/plain' }, 415, 'invalid_request_error'],
  ])('says so as Anthropic does: %s', async (_name, headers, status, type) => {
    for (const path of paths) {
      const response = await door.post(asked, path, headers);
      expect((await refusal(response)).slice(0, 2)).toEqual([status, type]);
      expect(response.headers.get('x-should-retry')).toBe('false');
    }
  });

  it.each([
    ['not JSON', '{', 400, 'invalid_request_error', ''],
    ['no object', '[]', 400, 'invalid_request_error', ''],
    ['too large', JSON.stringify({ ...asked, x: 'x'.repeat(100_000) }), 413, 'request_too_large', ''],
    ['too deep', `{"model":"m","x":${'['.repeat(200)}${']'.repeat(200)}}`, 400, 'invalid_request_error', ''],
    ['an unknown model', { ...asked, model: 'absent' }, 404, 'not_found_error', ''],
    ['no messages', { ...asked, messages: [] }, 400, 'invalid_request_error', "'messages'"],
    ['a field of nobody', { ...asked, of_tomorrow: 1 }, 400, 'invalid_request_error', "'of_tomorrow'"],
    [
      'a document',
      { ...asked, messages: [{ role: 'user', content: [{ type: 'document' }] }] },
      400,
      'invalid_request_error',
      "'messages.0.content.0.type'",
    ],
    ['what the target cannot do', { ...asked, top_k: 5 }, 400, 'invalid_request_error', "'top_k'"],
    [
      'thinking in a budget where there is none',
      { ...asked, thinking: { type: 'enabled', budget_tokens: 2000 } },
      400,
      'invalid_request_error',
      "'thinking.budget_tokens'",
    ],
  ])('names what is wrong: %s', async (_name, body, status, type, named) => {
    for (const path of paths) {
      const [code, kind, message] = await refusal(await door.post(body, path));
      expect([code, kind]).toEqual([status, type]);
      expect(message).toContain(named);
    }
    expect(door.upstream.requests).toEqual([]);
    await door.usage(0);
  });

  it('must say how much may be answered, but not to have its tokens counted', async () => {
    const { max_tokens: _, ...rest } = asked;
    expect((await refusal(await door.post(rest)))[2]).toContain("'max_tokens'");
    expect((await door.post(rest, '/v1/messages/count_tokens')).status).toBe(200);
  });

  it.each(['/v1/messages/batches', '/v1/messages/'])('is of an unknown route: %s', async (path) => {
    const response = await door.post('{}', path);
    const [status, type] = await refusal(response);
    expect([status, type]).toEqual(
      path === '/v1/messages/' ? [400, 'invalid_request_error'] : [404, 'not_found_error'],
    );
  });

  it('may not ask a model that the token does not include, and nothing without the scope', async () => {
    const { token: narrow } = await issueToken(door.admin, { models: ['demo'] });
    const { token: reader } = await issueToken(door.admin, { scopes: ['models:read'] });
    for (const path of paths) {
      const ungranted = await refusal(await door.post(asked, path, { 'x-api-key': narrow }));
      expect(ungranted.slice(0, 2)).toEqual([403, 'permission_error']);
      const forbidden = await refusal(await door.post(asked, path, { 'x-api-key': reader }));
      expect(forbidden.slice(0, 2)).toEqual([403, 'permission_error']);
    }
    await door.usage(0);
  });

  it('is over budget, and is not to be asked again', async () => {
    const { token } = await issueToken(door.admin, { monthlyTokenBudget: 1 });
    door.upstream.enqueue(answers('Hello'));
    expect((await door.post(asked, '/v1/messages', { 'x-api-key': token })).status).toBe(200);
    await door.usage();
    const response = await door.post(asked, '/v1/messages', { 'x-api-key': token });
    expect((await refusal(response)).slice(0, 2)).toEqual([429, 'rate_limit_error']);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(door.upstream.requests).toHaveLength(1);
    await door.usage(0);
  });
});

describe('a request that is taken', () => {
  it.each(['x-api-key', 'authorization'])('comes with its token in %s', async (header) => {
    door.upstream.enqueue(answers('Hello'));
    const value = header === 'authorization' ? `Bearer ${door.token}` : door.token;
    const response = await door.post(asked, '/v1/messages', { 'x-api-key': '', [header]: value });
    expect(response.status).toBe(200);
    expect(response.headers.get('request-id')).toBe(response.headers.get('x-request-id'));
    expect(Number(response.headers.get('anthropic-ratelimit-requests-limit'))).toBeGreaterThan(0);
    expectMessage(await response.json());
    const [record] = await door.usage();
    expect(record).toMatchObject({
      door: 'anthropic-messages',
      status: 'complete',
      token_id: expect.any(String),
    });
  });

  it('comes from somebody in a session', async () => {
    door.upstream.enqueue(answers('Hello'));
    const response = await session(door.admin, asked);
    expect(response.status).toBe(200);
    expect((await door.usage())[0]).toMatchObject({ token_id: null, status: 'complete' });
  });

  it.each([
    ['OpenAI', upstreamModel, [openai.bytes('tool-calls.sse')]],
    ['OpenAI, reasoning', upstreamModel, [openai.bytes('reasoning.sse')]],
    ['Google, thinking', gemini, [google.bytes('thinking.sse')]],
    ['Google, signed calls', gemini, [google.bytes('tool-calls.sse')]],
    ['usage that is not told', upstreamModel, [openai.bytes('text-without-usage.sse')]],
  ])('is answered in events as Anthropic has them: %s', async (_name, model, pieces) => {
    door.upstream.enqueue(stream(pieces), stream(pieces));
    const response = await door.post({ ...asked, model, stream: true });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = readMessageStream(await response.text());
    expect(events.at(-1)).toEqual({ type: 'message_stop' });
    const { usage } = events.at(-2) as unknown as { usage: { output_tokens: number } };
    expect(usage.output_tokens).toBeGreaterThan(0);
    const whole = await (await door.post({ ...asked, model })).json();
    expectMessage(whole);
    expect(whole).toMatchObject({ usage: { output_tokens: usage.output_tokens } });
    for (const record of await door.usage(2)) expect(record.output_tokens).toBe(usage.output_tokens);
  });

  it('ends in an error in events as Anthropic has them', async () => {
    door.upstream.enqueue(stream(answerPieces('Hel').slice(0, 2)));
    const events = readMessageStream(await (await door.post({ ...asked, stream: true })).text());
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
    expect((await door.usage())[0]).toMatchObject({
      status: 'interrupted',
      error_code: 'GENERATION_INTERRUPTED',
    });
  });

  it('is passed on byte for byte, and so is what is answered', async () => {
    const body = `{ "model": "${claude}", "max_tokens": 7, "stream": true, "messages":[{"role":"user","content":"Hi"}], "speed":"fast", "big": 12345678901234567890 }`;
    door.upstream.enqueue(stream([anthropic.bytes('tool-calls.sse')]));
    const response = await door.post(body);
    expect(await response.text()).toBe(anthropic.text('tool-calls.sse'));
    expect(door.upstream.requests.at(-1)?.body).toBe(body);
    expect((await door.usage())[0]).toMatchObject({ input_tokens: 472, output_tokens: 89, estimated: false });
  });

  it('means to the vendor what it means to us, though it says a thing twice', async () => {
    const twice = `{"model":"claude-opus-4-6","max_tokens":9,"model":"${claude}","messages":[{"role":"user","content":"Hi"}],"stream":true}`;
    door.upstream.enqueue(stream([anthropic.bytes('text.sse')]));
    await (await door.post(twice)).text();
    expect(door.upstream.requests.at(-1)?.body.match(/"model"/g)).toHaveLength(1);
    expect(door.sent()).toMatchObject({ model: claude });
    await door.usage();
  });

  it('is translated for Anthropic, too, where an alias fills something in', async () => {
    const alias = { id: 'polite', kind: 'alias', target: { model: claude }, systemPrompt: 'Be polite.' };
    const { status } = await door.admin.ask('POST', '/api/models', alias);
    expect(status).toBe(201);
    door.upstream.enqueue(stream([anthropic.bytes('thinking.sse')]), stream([anthropic.bytes('text.sse')]));
    const first = readMessageStream(
      await (await door.post({ ...asked, model: 'polite', stream: true })).text(),
    );
    const blocks = first.filter(({ type }) => type === 'content_block_start').length;
    expect(blocks).toBe(4);
    const content = [
      { type: 'thinking', thinking: 'hm', signature: 'signed' },
      { type: 'redacted_thinking', data: 'hidden' },
      { type: 'text', text: 'Yes', cache_control: { type: 'ephemeral' } },
    ];
    const messages = [...asked.messages, { role: 'assistant', content }, { role: 'user', content: 'Go on' }];
    await (await door.post({ ...asked, model: 'polite', messages, stream: true })).text();
    expect(door.sent()).toMatchObject({
      model: claude,
      system: 'Be polite.',
      messages: [{}, { role: 'assistant', content }, {}],
    });
    await door.usage(2);
  });

  it('counts what is passed on against a budget, though nobody else could read it', async () => {
    const { token } = await issueToken(door.admin, { monthlyTokenBudget: 5000 });
    const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
    door.upstream.enqueue(stream([anthropic.bytes('text.sse')]));
    const body = { ...asked, model: claude, tools, stream: true };
    const response = await door.post(body, '/v1/messages', { 'x-api-key': token });
    expect(response.status).toBe(200);
    expect(response.headers.get('anthropic-ratelimit-tokens-limit')).toBe('5000');
    expect(Date.parse(response.headers.get('anthropic-ratelimit-tokens-reset') ?? '')).toBeGreaterThan(
      Date.now(),
    );
    await response.text();
    expect((await door.usage())[0]).toMatchObject({ status: 'complete', input_tokens: 2073 });
  });

  it('falls back to a model of another vendor before there is output', async () => {
    const router = { id: 'either', kind: 'router', targets: [{ model: claude }, { model: upstreamModel }] };
    const made = await door.admin.ask('POST', '/api/models', router);
    expect(made.status).toBe(201);
    const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'x' } };
    const answer = { status: 529, headers: { 'retry-after': '60' } };
    door.upstream.enqueue(json(overloaded, answer), answers('Hello'));
    const events = readMessageStream(
      await (await door.post({ ...asked, model: 'either', stream: true })).text(),
    );
    expect(events.at(-1)).toEqual({ type: 'message_stop' });
    expect((await door.usage())[0]).toMatchObject({ provider: 'openai-compatible', model_id: 'either' });
  });

  it('ends when its token is revoked, without a word of it to the vendor', async () => {
    const { token, id } = await issueToken(door.admin);
    const gate = new Gate();
    door.upstream.enqueue(stream(answerPieces('Hello', ' there'), { gates: { 2: gate } }));
    const response = await door.post({ ...asked, stream: true }, '/v1/messages', { 'x-api-key': token });
    expect((await door.admin.ask('DELETE', `/api/tokens/${id}`)).status).toBe(200);
    const exchange = await door.upstream.nextExchange();
    await exchange.closed;
    gate.open();
    const events = readMessageStream(await response.text());
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(JSON.stringify(events)).not.toContain(credentialCanary);
    expect((await door.usage())[0]).toMatchObject({ status: 'cancelled' });
  });
});

function session({ browser }: Person, body: object): Promise<Response> {
  return browser.fetch('/v1/messages', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}
