/**
 * What OpenAI publishes of its answers, written down once more and strictly: what is not in it is refused, too. Chat completions, their
 * chunks, log probabilities and embeddings after the response schemas of https://github.com/openai/openai-openapi (openapi.yaml of late
 * 2024); messages, deltas, usage and legacy completions after the reference pages, not compared with a schema.
 * Two fields are not OpenAI's: `reasoning_content` (vLLM, DeepSeek) and `extra_content` (Google).
 */
type Check = (value: unknown, path: string) => string[];

const string: Check = (value, path) => (typeof value === 'string' ? [] : [`${path}: no string`]);
const number: Check = (value, path) => (typeof value === 'number' ? [] : [`${path}: no number`]);
const integer: Check = (value, path) => (Number.isInteger(value) ? [] : [`${path}: no integer`]);
const anything: Check = () => [];

function oneOf(...words: readonly string[]): Check {
  return (value, path) => (words.some((word) => word === value) ? [] : [`${path}: ${String(value)}`]);
}

function nullable(check: Check): Check {
  return (value, path) => (value === null ? [] : check(value, path));
}

function list(check: Check): Check {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => check(item, `${path}[${index}]`))
      : [`${path}: no list`];
}

function object(required: Readonly<Record<string, Check>>, optional: typeof required = {}): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null) return [`${path}: no object`];
    const missing = Object.keys(required).filter((name) => !(name in value));
    const wrong = Object.entries(value).flatMap(([name, field]) => {
      const check = required[name] ?? optional[name];
      return check === undefined ? [`${path}.${name}: unknown`] : check(field, `${path}.${name}`);
    });
    return [...missing.map((name) => `${path}.${name}: missing`), ...wrong];
  };
}

const usage = object(
  { prompt_tokens: integer, completion_tokens: integer, total_tokens: integer },
  {
    prompt_tokens_details: object({}, { cached_tokens: integer }),
    completion_tokens_details: object({}, { reasoning_tokens: integer }),
  },
);

const token = { token: string, logprob: number, bytes: nullable(list(integer)) };
const tokens = nullable(list(object({ ...token, top_logprobs: list(object(token)) })));
const logprobs = nullable(object({ content: tokens, refusal: tokens }));
const finishReason = oneOf('stop', 'length', 'tool_calls', 'content_filter', 'function_call');

const answer = { id: string, created: integer, model: string };

const toolCall = object(
  { id: string, type: oneOf('function'), function: object({ name: string, arguments: string }) },
  { extra_content: anything },
);

const message = object(
  { role: oneOf('assistant'), content: nullable(string), refusal: nullable(string) },
  { tool_calls: list(toolCall), reasoning_content: string },
);

export const chatCompletion = object(
  {
    ...answer,
    object: oneOf('chat.completion'),
    choices: list(object({ index: integer, message, logprobs, finish_reason: finishReason })),
  },
  { usage },
);

const delta = object(
  {},
  {
    role: oneOf('assistant'),
    content: nullable(string),
    refusal: nullable(string),
    reasoning_content: string,
    tool_calls: list(
      object(
        { index: integer },
        {
          id: string,
          type: oneOf('function'),
          function: object({}, { name: string, arguments: string }),
          extra_content: anything,
        },
      ),
    ),
  },
);

export const chatCompletionChunk = object(
  {
    ...answer,
    object: oneOf('chat.completion.chunk'),
    choices: list(object({ index: integer, delta, finish_reason: nullable(finishReason) }, { logprobs })),
  },
  { usage: nullable(usage) },
);

const textChoice = {
  text: string,
  index: integer,
  logprobs: nullable(anything),
  finish_reason: nullable(oneOf('stop', 'length', 'content_filter')),
};

/** Of a stream, too: its chunks have no kind of their own. */
export const textCompletion = object(
  { ...answer, object: oneOf('text_completion'), choices: list(object(textChoice)) },
  { usage: nullable(usage) },
);

export const embeddingList = object({
  object: oneOf('list'),
  model: string,
  data: list(object({ object: oneOf('embedding'), index: integer, embedding: list(number) })),
  usage: object({ prompt_tokens: integer, total_tokens: integer }),
});

/** What is wrong with it; nothing when it is of the shape. */
export function mistakesIn(value: unknown, shape: Check): readonly string[] {
  return shape(value, '$');
}

/** The data of a stream's events, without its end. */
export function streamed(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)) as unknown);
}
