import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { json } from '../../bench/upstream/scripts.js';
import { fromWireId } from '../../src/common/ids.js';
import type { ExchangeDto } from '../../src/wire/native/dto/post-message.dto.js';
import { answers, Parley, upstreamModel, type Answer, type Person } from '../support/parley.js';
import { logInAdmin } from '../support/people.js';

/** Names of the scripted upstream's models, with room for 200 tokens of input: for the one they are estimated, for the other counted. */
const small = 'small';
const counted = 'small-counted';
/** And of what a router asks first, with room for 25. */
const tiny = 'tiny';

/** About 50 tokens with what is around a message by the estimate, 30 by the tokenizer. */
const filler = (word: string): string => `${word} ${'word '.repeat(23)}`.trim();

let parley: Parley;
let root: Person;
let ada: Person;
let thread: string;

beforeAll(async () => {
  parley = await Parley.start({ 'providers.compatible.models': [upstreamModel, 'openai/gpt-4o'] });
  root = await logInAdmin(parley.first, 'root');
  const parameters = { maxOutputTokens: 100 };
  for (const [id, model, contextTokens] of [
    [small, upstreamModel, 314],
    [counted, 'openai/gpt-4o', 314],
    [tiny, 'openai/gpt-4o', 60],
  ] as const) {
    const alias = { kind: 'alias', scope: 'tenant', id, target: { model }, contextTokens, parameters };
    expect(await root.ask('POST', '/api/models', alias)).toMatchObject({ status: 201 });
  }
  const target = { model: upstreamModel };
  const prompted = { kind: 'alias', scope: 'tenant', id: 'prompted', target, systemPrompt: 'of the alias' };
  expect(await root.ask('POST', '/api/models', prompted)).toMatchObject({ status: 201 });
  const targets = [{ model: tiny }, { model: small }];
  const router = { kind: 'router', scope: 'tenant', id: 'both', targets };
  expect(await root.ask('POST', '/api/models', router)).toMatchObject({ status: 201 });
  ada = await parley.first.logIn('ada');
});

beforeEach(async () => {
  thread = await ada.createThread();
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

async function say(
  model: string,
  content: string,
  { answer = 'ok', ...body }: Record<string, unknown> & { readonly answer?: string } = {},
): Promise<Answer<ExchangeDto>> {
  parley.upstream.enqueue(answers(answer));
  const posted = await ada.post(thread, model, { content, ...body });
  expect(posted).toMatchObject({ status: 200, data: { assistantMessage: { status: 'complete' } } });
  return posted;
}

interface Sent {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

/** What the model was given last, the first word of each message after its role. */
function given(): string[] {
  return lastSent().messages.map(({ role, content }) => `${role} ${/^\S+/.exec(content)?.[0] ?? ''}`);
}

function lastSent(): Sent {
  return JSON.parse(parley.upstream.requests.at(-1)?.body ?? '{}') as Sent;
}

/** As the job writes it. */
async function summarise(model: string, { data }: Answer<ExchangeDto>, summary: string): Promise<void> {
  await parley.first.database.query(
    `UPDATE thread_models SET summary = $1, summary_through_id = $2, summary_updated_at = now()
      WHERE thread_id = $3 AND model_id = $4`,
    [summary, fromWireId('message', data.assistantMessage.id), fromWireId('thread', thread), model],
  );
}

describe('a message that does not fit', () => {
  it('is refused, and nothing is stored', async () => {
    await say(small, 'before');
    const before = await parley.ownedRows();
    const refused = await ada.post(thread, small, { content: 'word '.repeat(120) });
    expect(refused).toMatchObject({
      status: 422,
      error: { code: 'CONTEXT_LENGTH_EXCEEDED', param: 'content' },
    });
    const systemPrompt = 'word '.repeat(120);
    expect(await ada.post(thread, small, { content: 'short', systemPrompt })).toMatchObject({
      status: 422,
      error: { code: 'CONTEXT_LENGTH_EXCEEDED' },
    });
    expect(await parley.ownedRows()).toEqual(before);
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it('is taken by a model whose tokenizer counts fewer', async () => {
    await say(counted, 'word '.repeat(100).trim());
    expect(given()).toEqual(['user word']);
  });
});

describe('what a model is given', () => {
  it('is the most recent messages that fit, and begins with a person', async () => {
    for (const word of ['one', 'two', 'three'])
      await say(small, filler(word), { answer: filler(`to-${word}`) });
    await say(small, 'four');
    expect(given()).toEqual(['user three', 'assistant to-three', 'user four']);
  });

  it('is of each model what was said with it, counted by its own tokenizer', async () => {
    for (const word of ['one', 'two', 'three']) {
      await say(counted, filler(word), { answer: filler(`to-${word}`) });
      await say(small, filler(`small-${word}`), { answer: filler(`to-${word}`) });
    }
    await say(counted, 'four');
    expect(lastSent().model).toBe('openai/gpt-4o');
    const all = ['one', 'two', 'three'].flatMap((word) => [`user ${word}`, `assistant to-${word}`]);
    expect(given()).toEqual([...all, 'user four']);
    await say(small, 'four');
    expect(given()).toEqual(['user small-three', 'assistant to-three', 'user four']);
  });

  it('is of each target of a router what fits into its own context', async () => {
    await say('both', filler('one'));
    expect(lastSent().messages).toHaveLength(1);
    parley.upstream.reset();
    parley.upstream.enqueue(json({}, { status: 500, headers: { 'retry-after': '30' } }));
    await say('both', 'two');
    const sent = parley.upstream.requests.map(({ body }) => (JSON.parse(body) as Sent).messages.length);
    expect(sent).toEqual([1, 3]);
  });
});

describe('the summary', () => {
  it('takes the place of what is left out, and is not given when nothing is', async () => {
    const first = await say(small, filler('one'), { answer: filler('to-one') });
    await summarise(small, first, 'All of it was filler.');
    await say(small, 'two', { answer: filler('to-two') });
    expect(given()).toEqual(['user one', 'assistant to-one', 'user two']);
    await say(small, filler('three'), { answer: filler('to-three') });
    const [told, ...others] = lastSent().messages;
    expect(told?.content).toMatch(/<summary>\nAll of it was filler\.\n<\/summary>\n\ntwo$/);
    expect(others.map(({ role }) => role)).toEqual(['assistant', 'user']);
  });

  it('is given on the branches that have what it covers, and on no other', async () => {
    const first = await say(small, filler('one'), { answer: filler('to-one') });
    const second = await say(small, filler('two'), { answer: filler('to-two') });
    await summarise(small, second, 'It went to two.');
    const isTold = (): boolean => JSON.stringify(lastSent().messages).includes('It went to two.');
    const afterFirst = first.data.assistantMessage.id;

    await say(small, filler('three'));
    expect(isTold()).toBe(true);
    // Something is left out here, too, but not what the summary covers.
    const other = ['other', 'other', 'other'].map(filler).join(' ');
    const question = await say(small, other, { answer: filler('to-other'), parentId: afterFirst });
    expect(isTold()).toBe(false);
    const onOther = await say(small, filler('more'));
    expect(given().at(-1)).toBe('user more');
    expect(isTold()).toBe(false);

    // Back to where it was made, from the other branch, which is the current one now.
    const back = await say(small, filler('back'), { parentId: second.data.assistantMessage.id });
    expect(isTold()).toBe(true);
    const again = async ({ data }: Answer<ExchangeDto>): Promise<void> => {
      parley.upstream.enqueue(answers('again'));
      const path = `/api/messages/${data.assistantMessage.id}/regenerate`;
      expect(await ada.ask('POST', path, {})).toMatchObject({ status: 200 });
    };
    await again(onOther);
    expect(isTold()).toBe(false);
    await again(back);
    expect(isTold()).toBe(true);
    // What it covers is more than what comes before this question.
    await again(question);
    expect(isTold()).toBe(false);
  });

  it('is left out where it does not fit, rather than the message refused', async () => {
    const first = await say(small, filler('one'), { answer: filler('to-one') });
    await say(small, filler('two'), { answer: filler('to-two') });
    await summarise(small, first, 'very '.repeat(200));
    await say(small, 'three');
    expect(given()).toEqual(['user two', 'assistant to-two', 'user three']);
  });
});

describe('the system prompt', () => {
  it('is that of the request, else of the alias, else of the profile, else of the model', async () => {
    const system = (): unknown => lastSent().messages.find(({ role }) => role === 'system')?.content;
    await say(upstreamModel, 'Hi');
    expect(system()).toBeUndefined();
    const prompt = (systemPrompt: string | null): Promise<Answer> =>
      root.ask('PATCH', `/api/models/${upstreamModel}`, { systemPrompt });
    expect(await prompt('of the model')).toMatchObject({
      data: { administration: { systemPrompt: 'of the model', overridden: ['systemPrompt'] } },
    });
    await say(upstreamModel, 'Hi');
    expect(system()).toBe('of the model');
    await ada.ask('PATCH', '/api/profile', { systemPrompt: 'of the profile' });
    await say(upstreamModel, 'Hi');
    expect(system()).toBe('of the profile');
    await say('prompted', 'Hi');
    expect(system()).toBe('of the alias');
    await say('prompted', 'Hi', { systemPrompt: 'of the request' });
    expect(system()).toBe('of the request');
    await ada.ask('PATCH', '/api/profile', { systemPrompt: null });
    await prompt(null);
  });
});
