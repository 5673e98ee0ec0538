import type { Counted } from './call-script.js';

/** How a vendor says an answer by one of its routes. */
export interface VendorWords {
  readonly provider: 'openai-compatible' | 'anthropic';
  /** What it can say of what was used. */
  readonly countable: (counted: Counted) => Counted;
  /** Not as a stream; `counted` is undefined when it does not say. */
  readonly whole: (text: string, counted: Counted | undefined) => object;
  /** The first event of a stream. */
  readonly begin: (counted: Counted | undefined) => string;
  readonly piece: (text: string) => string;
  /** All that comes after the text. */
  readonly end: (counted: Counted | undefined) => string;
  readonly error: object;
  /** The same in the middle of a stream. */
  readonly report: string;
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const named = (event: { readonly type: string }): string => `event: ${event.type}\n${data(event)}`;

const openAiError = { error: { message: 'no', type: 'server_error', code: null } };
const answer = { id: 'answer-1', created: 1_795_132_800, model: 'counting' };

function openAiUsage({ input, output, cached, reasoning }: Counted): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

/** Chat completions and legacy ones differ in how a choice is written. */
function completions(
  objects: { readonly whole: string; readonly chunk: string },
  choiceOf: (text: string, isWhole: boolean) => object,
): VendorWords {
  const chunk = (text: string, finish_reason: string | null): object => ({
    ...answer,
    object: objects.chunk,
    choices: [{ index: 0, ...choiceOf(text, false), finish_reason }],
  });
  return {
    provider: 'openai-compatible',
    countable: (counted) => ({ ...counted, cacheWrite: 0 }),
    whole: (text, counted) => ({
      ...answer,
      object: objects.whole,
      choices: [{ index: 0, ...choiceOf(text, true), finish_reason: 'stop' }],
      ...(counted === undefined ? {} : { usage: openAiUsage(counted) }),
    }),
    begin: () => data(chunk('', null)),
    piece: (text) => data(chunk(text, null)),
    end: (counted) => {
      const usage = { ...answer, object: objects.chunk, choices: [], usage: counted && openAiUsage(counted) };
      return `${data(chunk('', 'stop'))}${counted === undefined ? '' : data(usage)}data: [DONE]\n\n`;
    },
    error: openAiError,
    report: data(openAiError),
  };
}

const chat = completions({ whole: 'chat.completion', chunk: 'chat.completion.chunk' }, (content, isWhole) => {
  const said = { role: 'assistant', content };
  return isWhole ? { message: said, logprobs: null } : { delta: said };
});

const legacy = completions({ whole: 'text_completion', chunk: 'text_completion' }, (text) => ({
  text,
  logprobs: null,
}));

const embeddings: VendorWords = {
  ...legacy,
  countable: ({ input }) => ({ input, output: 0, cached: 0, cacheWrite: 0, reasoning: 0 }),
  whole: (_text, counted) => ({
    object: 'list',
    model: answer.model,
    data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25] }],
    ...(counted === undefined
      ? {}
      : { usage: { prompt_tokens: counted.input, total_tokens: counted.input } }),
  }),
};

function anthropicUsage({ input, output, cached, cacheWrite, reasoning }: Counted): object {
  return {
    input_tokens: input - cached - cacheWrite,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: cacheWrite,
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
  };
}

const anthropicError = { type: 'error', error: { type: 'api_error', message: 'no' } };
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: answer.model, stop_sequence: null };

const messages: VendorWords = {
  provider: 'anthropic',
  countable: (counted) => counted,
  whole: (text, counted) => ({
    ...message,
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    ...(counted === undefined ? {} : { usage: anthropicUsage(counted) }),
  }),
  begin: (counted) => {
    const usage =
      counted === undefined ? {} : { usage: anthropicUsage({ ...counted, output: 1, reasoning: 0 }) };
    const begun = { ...message, content: [], stop_reason: null, ...usage };
    return (
      named({ type: 'message_start', ...{ message: begun } }) +
      named({ type: 'content_block_start', ...{ index: 0, content_block: { type: 'text', text: '' } } })
    );
  },
  piece: (text) =>
    named({ type: 'content_block_delta', ...{ index: 0, delta: { type: 'text_delta', text } } }),
  end: (counted) => {
    const usage = counted === undefined ? {} : { usage: anthropicUsage(counted) };
    const delta = { stop_reason: 'end_turn', stop_sequence: null };
    return (
      named({ type: 'content_block_stop', ...{ index: 0 } }) +
      named({ type: 'message_delta', ...{ delta, ...usage } }) +
      named({ type: 'message_stop' })
    );
  },
  error: anthropicError,
  report: named(anthropicError),
};

/** The routes of all vendors, by their paths. */
export const vendorRoutes: ReadonlyMap<string, VendorWords> = new Map([
  ['/chat/completions', chat],
  ['/completions', legacy],
  ['/embeddings', embeddings],
  ['/v1/messages', messages],
]);
