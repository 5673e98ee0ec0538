import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type OpenAI from 'openai';
import { randomUUID } from 'node:crypto';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import { toWireId } from '../../src/common/ids.js';
import { BackgroundResponses } from '../../src/responses/background-responses.js';
import { StoredResponsesRepository } from '../../src/responses/stored-responses.repository.js';
import { answerPieces, answers, eventually, upstreamModel, type Replica } from '../support/parley.js';
import { issueToken, usageRows } from '../support/programs.js';
import { clientOf, openAi, refusalOf, ResponsesDoor } from '../support/responses-door.js';

type Response = OpenAI.Responses.Response;

let door: ResponsesDoor;
let client: OpenAI;
let strangers: readonly OpenAI[];

beforeAll(async () => {
  door = await ResponsesDoor.open({
    'server.v1BodyLimitBytes': 20_000,
    'generation.maxConcurrentPerUser': 2,
  });
  ({ client } = door);
  const bob = await door.parley.first.logIn('bob', { groups: ['admins'] });
  strangers = [
    await door.clientOf(bob),
    // The same person, by a token that may not ask the model.
    await door.clientOf(door.ada, { models: [openAi.talker] }),
  ];
});

afterEach(() => {
  expect(door.upstream.surprises).toEqual([]);
  door.upstream.reset();
});

afterAll(() => door.stop());

function ask(input: string, previous?: Response, by = client): Promise<Response> {
  door.upstream.enqueue(answers(`Re: ${input}`));
  const continued = previous === undefined ? {} : { previous_response_id: previous.id };
  return by.responses.create({ model: upstreamModel, input, ...continued });
}

const absent = { status: 404, code: 'response_not_found', param: null };
const lost = { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' };

function continues(id: string, by = client, fields: object = {}): Promise<unknown> {
  return refusalOf(
    by.responses.create({
      model: by === strangers[1] ? openAi.talker : upstreamModel,
      input: 'x',
      previous_response_id: id,
      ...fields,
    }),
  );
}

function stored(): Promise<unknown> {
  return door.parley.first.database.query(
    'SELECT id, status, response, input, output FROM stored_responses ORDER BY id',
  );
}

describe('a response that is kept', () => {
  it('is nothing to anybody else, who can neither see, continue, cancel nor delete it', async () => {
    const { id } = await ask('secret');
    const before = await stored();
    for (const stranger of strangers) {
      const { responses } = stranger;
      expect(await refusalOf(responses.retrieve(id))).toEqual(absent);
      expect(await refusalOf(responses.inputItems.list(id))).toEqual(absent);
      expect(await refusalOf(responses.cancel(id))).toEqual(absent);
      expect(await refusalOf(responses.delete(id))).toEqual(absent);
      expect(await continues(id, stranger)).toEqual(lost);
    }
    for (const id of [
      toWireId('response', randomUUID()),
      toWireId('message', randomUUID()),
      'resp_0c2f9b7e5a1d',
    ]) {
      expect(await refusalOf(client.responses.retrieve(id))).toEqual(absent);
      expect(await continues(id)).toEqual(lost);
    }
    expect(await stored()).toEqual(before);
    expect(door.upstream.requests).toHaveLength(1);
  });

  it('cannot be cancelled, as it was made while somebody waited', async () => {
    const { id } = await ask('x');
    expect(await refusalOf(client.responses.cancel(id))).toMatchObject({
      status: 400,
      code: 'response_not_cancellable',
    });
  });

  it('keeps its own items alone, however long the conversation is, which is sent as a whole', async () => {
    let last = await ask('turn 0');
    for (let turn = 1; turn < 6; turn++) last = await ask(`turn ${turn}`, last);
    expect((door.sent()['messages'] as { content: string }[]).map(({ content }) => content)).toEqual(
      [0, 1, 2, 3, 4].flatMap((turn) => [`turn ${turn}`, `Re: turn ${turn}`]).concat('turn 5'),
    );
    const sizes = await door.parley.first.database.query<{ bytes: number; length: number }[]>(
      `SELECT length(input) + length(output) AS bytes, chain_length AS length FROM stored_responses
        WHERE chain_length > 1 ORDER BY chain_length`,
    );
    expect(sizes.map(({ length }) => length)).toEqual([2, 3, 4, 5, 6]);
    expect(new Set(sizes.map(({ bytes }) => bytes)).size).toBe(1);
    // Branches of one conversation know nothing of each other.
    const first = await client.responses.retrieve(last.previous_response_id ?? '');
    await ask('another turn', first);
    expect(JSON.stringify(door.sent())).not.toContain('turn 5');
  });

  it('lists what it was asked with', async () => {
    door.upstream.enqueue(answers('Hi'));
    const input = ['a', 'b', 'c'].map((content) => ({ role: 'user' as const, content }));
    const { id } = await client.responses.create({ model: upstreamModel, input });
    const contents: unknown[] = [];
    for await (const item of client.responses.inputItems.list(id, { limit: 2, order: 'asc' })) {
      contents.push('content' in item ? item.content : undefined);
    }
    expect(contents).toEqual(['a', 'b', 'c']);
  });

  it('is gone when it is deleted, and nothing can be continued that needs it', async () => {
    const first = await ask('first');
    const second = await ask('second', first);
    await client.responses.delete(first.id);
    expect(await refusalOf(client.responses.retrieve(first.id))).toEqual(absent);
    expect(await refusalOf(client.responses.delete(first.id))).toEqual(absent);
    expect(await continues(first.id)).toEqual(lost);
    expect(await continues(second.id)).toEqual(lost);
    expect(await client.responses.retrieve(second.id)).toMatchObject({ output_text: 'Re: second' });
    expect(JSON.stringify(await stored())).not.toContain('Re: first');
  });

  it('is forgotten after its days, in the table too', async () => {
    const { id } = await ask('old');
    const { database } = door.parley.first;
    await database.query(
      `UPDATE stored_responses SET created_at = now() - interval '30 days' WHERE output LIKE '%Re: old%'`,
    );
    expect(await refusalOf(client.responses.retrieve(id))).toEqual(absent);
    expect(await continues(id)).toEqual(lost);
    expect(await door.parley.first.app.get(StoredResponsesRepository).forgetOld(30)).toBe(false);
    expect(JSON.stringify(await stored())).not.toContain('Re: old');
  });

  it('cannot be continued into a conversation longer than a request may be', async () => {
    const long = await ask('x'.repeat(8_000));
    expect(await continues(long.id, client, { input: 'y'.repeat(6_000) })).toEqual({
      ...{ status: 400, code: 'conversation_too_long', param: 'previous_response_id' },
    });
    await ask('short', long);
  });
});

describe('a response in the background', () => {
  async function begin(gate?: Gate, by = client): Promise<Response> {
    door.upstream.enqueue(
      stream(answerPieces('Hal', 'lo'), gate === undefined ? {} : { gates: { 2: gate } }),
    );
    return by.responses.create({ model: upstreamModel, input: 'Hi', background: true });
  }

  function ended(id: string): Promise<Response> {
    return eventually(async () => {
      const response = await client.responses.retrieve(id);
      return response.status === 'in_progress' ? undefined : response;
    });
  }

  it('is refused where it cannot be: unknown models, streams, what is not kept', async () => {
    const body = { model: upstreamModel, input: 'Hi', background: true };
    expect(await refusalOf(client.responses.create({ ...body, model: 'none' }))).toMatchObject({
      status: 404,
    });
    const streamed = client.responses.create({ ...body, stream: true });
    expect(await refusalOf(streamed)).toEqual({
      status: 400,
      code: 'unsupported_parameter',
      param: 'stream',
    });
    expect(await refusalOf(client.responses.create({ ...body, store: false }))).toMatchObject({
      param: 'store',
    });
  });

  it('is made while nobody waits, and can then be continued', async () => {
    const since = new Date();
    const { id, status, background } = await begin();
    expect([status, background]).toEqual(['in_progress', true]);
    const response = await ended(id);
    expect(response).toMatchObject({ status: 'completed', output_text: 'Hallo', usage: { input_tokens: 7 } });
    expect(await client.responses.cancel(id)).toMatchObject({ status: 'completed' });
    await ask('go on', response);
    expect((door.sent()['messages'] as unknown[]).length).toBe(3);
    expect(await usageRows(door.parley, since, 2)).toMatchObject([
      { status: 'complete', door: 'openai-responses' },
      {},
    ]);
  });

  it('fails as it is told', async () => {
    door.upstream.enqueue(json({ error: { message: 'no' } }, { status: 429 }));
    const { id } = await client.responses.create({ model: upstreamModel, input: 'Hi', background: true });
    const response = await ended(id);
    expect(response).toMatchObject({ status: 'failed', error: { code: 'rate_limit_exceeded' } });
    expect(await continues(id)).toEqual(lost);
  });

  it('is cancelled from any replica, and leaves the vendor', async () => {
    const since = new Date();
    const gate = new Gate();
    const other: Replica = await door.parley.addReplica();
    for (const url of [door.parley.first.url, other.url]) {
      const asked = door.upstream.nextExchange();
      const { id } = await begin(gate);
      const exchange = await asked;
      const cancelled = await clientOf(url, client.apiKey ?? '').responses.cancel(id);
      expect(cancelled.status).toBe('cancelled');
      await exchange.closed;
      expect(await ended(id)).toMatchObject({ status: 'cancelled' });
      expect(await continues(id)).toEqual(lost);
    }
    gate.open();
    const rows = await usageRows(door.parley, since, 2);
    expect(rows.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  it('fails when whoever asked for it may no longer have it', async () => {
    const gate = new Gate();
    const { id: tokenId, token } = await issueToken(door.ada);
    const exchange = door.upstream.nextExchange();
    const { id } = await begin(gate, clientOf(door.parley.first.url, token));
    await exchange;
    await door.ada.ask('DELETE', `/api/tokens/${tokenId}`);
    await (
      await exchange
    ).closed;
    expect(await ended(id)).toMatchObject({ status: 'failed' });
    gate.open();
  });

  it('is one of so many at a time, and ends with the process that makes it', async () => {
    const gate = new Gate();
    const [one] = [await begin(gate), await begin(gate)];
    expect(
      await refusalOf(client.responses.create({ model: upstreamModel, input: 'Hi', background: true })),
    ).toMatchObject({
      status: 429,
      code: 'too_many_generations',
    });
    const dead = randomUUID();
    const { database, app } = door.parley.first;
    await database.query(
      `UPDATE stored_responses SET replica_id = $1, created_at = now() - interval '1 minute' WHERE status = 'in_progress'`,
      [dead],
    );
    await app.get(StoredResponsesRepository).failOrphans(dead, []);
    expect(await ended(one.id)).toMatchObject({ status: 'failed', error: { code: 'server_error' } });
    await app.get(BackgroundResponses).idle();
    gate.open();
  });
});

describe('a request', () => {
  const tool = { type: 'function', name: 'f' };
  it.each<[string, string, object]>([
    ['a field that the target does not know', 'top_k', { top_k: 3 }],
    ['what only another API has', 'stop', { stop: ['x'] }],
    ['a tool that OpenAI runs', 'tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['a choice of such a tool', 'tool_choice.type', { tools: [tool], tool_choice: { type: 'file_search' } }],
    ['a conversation that a vendor keeps', 'conversation', { conversation: 'conv_1' }],
    ['a prompt that a vendor keeps', 'prompt', { prompt: { id: 'pmpt_1' } }],
    [
      'a file that a vendor keeps',
      'input[0].content[0].file_id',
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] },
    ],
    ['an item of another kind', 'input[0].type', { input: [{ type: 'item_reference', id: 'x' }] }],
    ['something to include of such tools', 'include[0]', { include: ['file_search_call.results'] }],
    ['truncation, where the target does none', 'truncation', { truncation: 'auto' }],
    ['a verbosity, where the target has none', 'text.verbosity', { text: { verbosity: 'low' } }],
  ])('is refused with the name of what cannot be done: %s', async (_what, param, fields) => {
    const body = { model: 'claude-opus-4-1', input: 'Hi', ...fields };
    expect(await refusalOf(client.post('/responses', { body }))).toEqual({
      status: 400,
      code: 'unsupported_parameter',
      param,
    });
  });

  it.each<[string, object | null]>([
    ['input', { input: undefined }],
    ['input', { input: 7 }],
    ['input', { input: [] }],
    ['input[0]', { input: ['x'] }],
    ['input[0].role', { input: [{ content: 'x' }] }],
    ['input[0].content', { input: [{ role: 'user', content: 7 }] }],
    ['input[0].call_id', { input: [{ type: 'function_call_output', output: 'x' }] }],
    ['model', { model: undefined }],
    ['store', { store: 'yes' }],
    ['metadata.a', { metadata: { a: 7 } }],
    ['metadata', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, key) => [key, ''])) }],
    ['max_output_tokens', { max_output_tokens: 0 }],
    ['top_logprobs', { top_logprobs: 21 }],
    ['text.format.type', { text: { format: {} } }],
    ['text.format.schema', { text: { format: { type: 'json_schema', name: 'x' } } }],
    ['reasoning.summary', { reasoning: { summary: 'long' } }],
    ['tools', { tools: Array.from({ length: 257 }, () => tool) }],
    ['truncation', { truncation: 'some' }],
  ])('is refused with the name of what is wrong: %s', async (param, fields) => {
    const before = await stored();
    const refusal = await refusalOf(
      client.post('/responses', { body: { model: upstreamModel, input: 'Hi', ...fields } }),
    );
    expect(refusal).toMatchObject({ status: 400, param });
    expect(await stored()).toEqual(before);
  });

  it('passes what nobody here knows on to vendors of this kind', async () => {
    door.upstream.enqueue(answers('Hi'));
    await client.post('/responses', {
      body: { model: upstreamModel, input: 'Hi', top_k: 3, prompt_cache_key: 'k' },
    });
    expect(door.sent()).toMatchObject({ top_k: 3, prompt_cache_key: 'k' });
    expect(door.sent()).not.toHaveProperty('metadata');
  });
});

describe('a response that cannot be kept', () => {
  it('does not end as if it were', async () => {
    const { database } = door.parley.first;
    await database.query('ALTER TABLE stored_responses RENAME TO out_of_reach');
    const body = { model: upstreamModel, input: 'Hi' };
    door.upstream.enqueue(answers('Hi'), answers('Hi'), answers('Hi'));
    const types: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { type } of await client.responses.create({ ...body, stream: true })) types.push(type);
    };
    await expect(read()).rejects.toMatchObject({ code: 'internal_error' });
    expect(types.at(-1)).toBe('response.failed');
    expect(types).not.toContain('response.completed');
    expect(await refusalOf(client.responses.create(body))).toMatchObject({ status: 500 });
    expect(await client.responses.create({ ...body, store: false })).toMatchObject({ status: 'completed' });
    await database.query('ALTER TABLE out_of_reach RENAME TO stored_responses');
  });
});
