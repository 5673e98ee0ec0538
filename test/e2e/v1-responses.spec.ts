import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ChatOpenAI } from '@langchain/openai';
import type OpenAI from 'openai';
import { splitAt, stream, type Script } from '../../bench/upstream/scripts.js';
import { answers, upstreamModel } from '../support/parley.js';
import { translated, usageRows } from '../support/programs.js';
import { Recordings } from '../support/recordings.js';
import { openAi, refusalOf, ResponsesDoor, weather } from '../support/responses-door.js';

type Params = OpenAI.Responses.ResponseCreateParamsNonStreaming;
type StreamEvent = OpenAI.Responses.ResponseStreamEvent;

const own = new Recordings('openai');
const claude = new Recordings('anthropic');
const gemini = new Recordings('google');
const answer = 'The greatest common divisor is **21**.';

let door: ResponsesDoor;
let client: OpenAI;
let begun: Date;

beforeAll(async () => {
  door = await ResponsesDoor.open();
  ({ client } = door);
});

beforeEach(() => {
  begun = new Date();
});

afterEach(() => {
  expect(door.upstream.surprises).toEqual([]);
  door.upstream.reset();
});

afterAll(() => door.stop());

function recorded(recordings: Recordings, name: string): Script {
  return stream([recordings.bytes(name)]);
}

async function streamed(params: Partial<Params> = {}): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  const body = { model: upstreamModel, input: 'Hello', ...params, stream: true } as const;
  for await (const event of await client.responses.create(body)) events.push(event);
  return events;
}

function types(events: readonly StreamEvent[]): string[] {
  return events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
}

describe('a response', () => {
  it('of OpenAI is asked in the words of OpenAI, kept by nobody there, with reasoning that comes back encrypted', async () => {
    door.upstream.enqueue(recorded(own, 'responses-reasoning.sse'));
    const response = await client.responses.create({
      model: openAi.thinker,
      instructions: 'Be exact.',
      input: [
        { role: 'developer', content: 'In words.' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'GCD?' },
            { type: 'input_image', image_url: 'data:image/png;base64,iVBOR', detail: 'low' },
          ],
        },
      ],
      reasoning: { effort: 'medium', summary: 'detailed' },
      text: {
        format: { type: 'json_schema', name: 'gcd', schema: { type: 'object' }, strict: true },
        verbosity: 'low',
      },
      include: ['reasoning.encrypted_content'],
      metadata: { topic: 'numbers' },
      max_output_tokens: 500,
      safety_identifier: 'someone',
      max_tool_calls: 3,
    });
    expect(door.upstream.requests.at(-1)?.path).toBe('/responses');
    expect(door.sent()).toEqual({
      model: openAi.thinker,
      stream: true,
      store: false,
      instructions: 'Be exact.\n\nIn words.',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'GCD?' },
            { type: 'input_image', image_url: 'data:image/png;base64,iVBOR', detail: 'low' },
          ],
        },
      ],
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'medium', summary: 'detailed' },
      text: {
        format: { type: 'json_schema', name: 'gcd', schema: { type: 'object' }, strict: true },
        verbosity: 'low',
      },
      max_output_tokens: 500,
      safety_identifier: 'someone',
      max_tool_calls: 3,
    });
    expect(response).toMatchObject({
      ...{
        id: expect.stringMatching(/^resp_[0-9a-z]{26}$/),
        object: 'response',
        status: 'completed',
        error: null,
      },
      ...{
        model: 'gpt-5.6-2026-08-12',
        instructions: 'Be exact.',
        metadata: { topic: 'numbers' },
        store: true,
      },
      ...{ max_output_tokens: 500, previous_response_id: null, tools: [], output_text: answer },
      output: [
        {
          type: 'reasoning',
          summary: [{ type: 'summary_text', text: expect.stringContaining('GCD') }],
          encrypted_content: expect.any(String),
        },
        { type: 'reasoning', summary: [], encrypted_content: expect.any(String) },
        {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: answer }],
        },
      ],
      usage: {
        input_tokens: expect.any(Number),
        output_tokens_details: { reasoning_tokens: expect.any(Number) },
      },
    });
    expect(await usageRows(door.parley, begun)).toMatchObject([
      { door: 'openai-responses', model: openAi.thinker, status: 'complete', estimated: false },
    ]);
  });

  it('comes back to OpenAI as it came when the program itself sends the conversation, and nothing is kept', async () => {
    door.upstream.enqueue(recorded(own, 'responses-reasoning.sse'));
    const include: Params['include'] = ['reasoning.encrypted_content'];
    const stateless = { model: openAi.thinker, include, store: false };
    const first = await client.responses.create({ ...stateless, input: 'GCD?' });
    const foreign = {
      type: 'reasoning',
      id: 'rs_foreign',
      summary: [],
      encrypted_content: 'gAAAAAforeign',
    } as const;
    door.upstream.enqueue(recorded(own, 'responses-text.sse'));
    await client.responses.create({
      ...stateless,
      input: [
        foreign,
        { role: 'user', content: 'GCD?' },
        ...first.output,
        { role: 'user', content: 'And?' },
      ] as OpenAI.Responses.ResponseInput,
    });
    expect(door.sent()['input']).toEqual([
      foreign,
      { role: 'user', content: 'GCD?' },
      {
        ...{ type: 'reasoning', id: 'rs_0c2f9b7e5a1d48830068f3a1c2ff0c8190' },
        summary: [expect.objectContaining({ type: 'summary_text' })],
        encrypted_content: expect.stringMatching(/^gAAAAABo86HCq2/),
      },
      {
        type: 'reasoning',
        id: 'rs_0c2f9b7e5a1d48830068f3a1c9aa0c8190',
        summary: [],
        encrypted_content: expect.stringMatching(/^gAAA/),
      },
      { role: 'assistant', content: answer },
      { role: 'user', content: 'And?' },
    ]);
    expect(await refusalOf(client.responses.retrieve(first.id))).toMatchObject({ status: 404 });
  });

  it('of Anthropic is translated, and continued with its calls, their results and its signed thoughts', async () => {
    const model = translated.anthropic;
    door.upstream.enqueue(recorded(claude, 'thinking.sse'));
    const first = await client.responses.create({ model, input: 'GCD?', instructions: 'Think.' });
    expect(first.output.map(({ type }) => type)).toEqual(['reasoning', 'reasoning', 'reasoning', 'message']);
    expect(JSON.stringify(first)).not.toContain('encrypted_content');
    door.upstream.enqueue(recorded(claude, 'tool-calls.sse'));
    const second = await client.responses.create({
      model,
      input: 'And the weather?',
      tools: [weather],
      previous_response_id: first.id,
    });
    const calls = second.output.filter((item) => item.type === 'function_call');
    expect(calls.map(({ name, arguments: input }) => [name, input])).toEqual([
      ['get_weather', '{"location": "Zürich"}'],
      ['get_time', '{}'],
    ]);
    door.upstream.enqueue(recorded(claude, 'text.sse'));
    const results = calls.map(({ call_id }) => ({
      type: 'function_call_output' as const,
      call_id,
      output: 'fine',
    }));
    const third = await client.responses.create({
      model,
      input: results,
      tools: [weather],
      previous_response_id: second.id,
    });
    expect(third.previous_response_id).toBe(second.id);
    const { system, messages } = door.sent() as {
      system?: unknown;
      messages: { role: string; content: { type: string }[] }[];
    };
    // What the first request was instructed with was for that one.
    expect(system).toBeUndefined();
    expect(messages.map(({ role, content }) => [role, ...content.map(({ type }) => type)])).toEqual([
      ['user', 'text'],
      ['assistant', 'thinking', 'redacted_thinking', 'thinking', 'text'],
      ['user', 'text'],
      ['assistant', 'text', 'tool_use', 'tool_use'],
      ['user', 'tool_result', 'tool_result'],
    ]);
    expect(await usageRows(door.parley, begun, 3)).toHaveLength(3);
  });

  it('may be continued by another model of another vendor', async () => {
    door.upstream.enqueue(recorded(claude, 'thinking.sse'));
    const first = await client.responses.create({ model: translated.anthropic, input: 'GCD?' });
    door.upstream.enqueue(answers('Sure'));
    await client.responses.create({ model: upstreamModel, input: 'Sure?', previous_response_id: first.id });
    expect(door.sent()['messages']).toEqual([
      { role: 'user', content: 'GCD?' },
      { role: 'assistant', content: answer },
      { role: 'user', content: 'Sure?' },
    ]);
  });

  it('of Google is continued with the proof of its thoughts, by whoever keeps the conversation', async () => {
    const model = translated.google;
    door.upstream.enqueue(recorded(gemini, 'tool-calls.sse'));
    const first = await client.responses.create({ model, input: 'Weather?', tools: [weather] });
    const outputs = first.output.flatMap((item) =>
      item.type === 'function_call'
        ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'sun' }]
        : [],
    );
    const own = [{ role: 'user' as const, content: 'Weather?' }, ...first.output, ...outputs];
    const sent: unknown[] = [];
    for (const body of [
      { input: outputs, previous_response_id: first.id },
      { input: own as OpenAI.Responses.ResponseInput, store: false },
    ]) {
      door.upstream.enqueue(recorded(gemini, 'text.sse'));
      await client.responses.create({ model, tools: [weather], ...body });
      sent.push(door.sent()['contents']);
    }
    expect(JSON.stringify(sent[0])).toContain('thoughtSignature');
    expect(sent[1]).toEqual(sent[0]);
  });

  it('that is too short is incomplete, and one that was filtered too', async () => {
    door.upstream.enqueue(recorded(own, 'responses-incomplete.sse'));
    const response = await client.responses.create({
      model: openAi.talker,
      input: 'Tell',
      prompt_cache_key: 'tales',
      max_tool_calls: 1,
      max_output_tokens: 16,
    });
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    });
    expect(response.output.at(-1)).toMatchObject({ type: 'message', status: 'incomplete' });
    expect(door.upstream.requests.at(-1)?.path).toBe('/responses');
    expect(door.sent()).toMatchObject({ prompt_cache_key: 'tales', max_tool_calls: 1 });
  });
});

describe('a streamed response', () => {
  it('tells every step in order and number, and what it amounts to', async () => {
    const bytes = own.bytes('responses-reasoning.sse');
    door.upstream.enqueue(stream(splitAt(bytes, Array.from(bytes.keys()).slice(1, 300))));
    const events = await streamed({ model: openAi.thinker, input: 'GCD?' });
    expect(types(events)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()]);
    const last = events.at(-1);
    const id = last?.type === 'response.completed' ? last.response.id : '';
    const done = events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
    const kept = await client.responses.retrieve(id);
    expect(last).toMatchObject({ response: { id, output: done, status: 'completed' } });
    expect(kept).toEqual({
      ...(last?.type === 'response.completed' ? last.response : {}),
      output_text: answer,
    });
  });

  it('is put together by the helper, with the calls of tools', async () => {
    door.upstream.enqueue(recorded(own, 'tool-calls.sse'));
    const helper = client.responses.stream({ model: upstreamModel, input: 'Weather?', tools: [weather] });
    const deltas: string[] = [];
    helper.on('response.function_call_arguments.delta', ({ delta }) => deltas.push(delta));
    const response = await helper.finalResponse();
    const calls = response.output.filter((item) => item.type === 'function_call');
    expect(calls.length).toBeGreaterThan(1);
    expect(
      calls.every(({ status, arguments: input }) => status === 'completed' && JSON.parse(input) !== null),
    ).toBe(true);
    expect(deltas.join('')).toBe(calls.map(({ arguments: input }) => input).join(''));
    // What was heard of to its end may be continued at once.
    door.upstream.enqueue(answers('Sunny'));
    const outputs = calls.map(({ call_id }) => ({
      type: 'function_call_output' as const,
      call_id,
      output: 'sun',
    }));
    const next = await client.responses.create({
      model: upstreamModel,
      input: outputs,
      previous_response_id: response.id,
    });
    expect(next.output_text).toBe('Sunny');
  });

  it('is what LangChain reads, and sends back', async () => {
    const { apiKey, baseURL } = client;
    const configuration = { apiKey, baseURL };
    const llm = new ChatOpenAI({
      model: translated.anthropic,
      maxRetries: 0,
      useResponsesApi: true,
      configuration,
      apiKey,
    });
    const tools = llm.bindTools([weather]);
    door.upstream.enqueue(recorded(claude, 'tool-calls.sse'));
    let text = '';
    let calls = 0;
    for await (const chunk of await tools.stream('Weather?')) {
      text += chunk.text;
      calls += (chunk.tool_call_chunks ?? []).filter(({ name }) => name !== undefined).length;
    }
    expect([text, calls]).toEqual(["Okay, let's check.", 2]);
    door.upstream.enqueue(recorded(claude, 'tool-calls.sse'), recorded(claude, 'text.sse'));
    const asked = await tools.invoke('Weather?');
    const results = (asked.tool_calls ?? []).map(({ id = '' }) => ({
      role: 'tool',
      tool_call_id: id,
      content: 'sun',
    }));
    const told = await tools.invoke([{ role: 'user', content: 'Weather?' }, asked, ...results]);
    expect(told.text).not.toBe('');
    const { messages } = door.sent() as { messages: { role: string; content: { type: string }[] }[] };
    expect(messages.map(({ role, content }) => [role, ...content.map(({ type }) => type)])).toEqual([
      ['user', 'text'],
      ['assistant', 'text', 'tool_use', 'tool_use'],
      ['user', 'tool_result', 'tool_result'],
    ]);
  });

  it('has log probabilities when they are asked for', async () => {
    door.upstream.enqueue(recorded(own, 'responses-logprobs.sse'));
    const events = await streamed({
      model: openAi.talker,
      include: ['message.output_text.logprobs'],
      top_logprobs: 2,
    });
    const delta = events.find((event) => event.type === 'response.output_text.delta');
    expect(delta?.logprobs[0]).toMatchObject({ token: expect.any(String), top_logprobs: expect.any(Array) });
    expect(door.sent()).toMatchObject({ top_logprobs: 2, include: ['message.output_text.logprobs'] });
  });
});
