import { createParser } from 'eventsource-parser';
import { expect } from '@jest/globals';

/**
 * What Anthropic answers, as strict as the types of `@anthropic-ai/sdk` 1.12 (`resources/messages/messages.d.ts`: Message,
 * RawMessageStreamEvent, Usage, MessageDeltaUsage and their blocks): every field that is there is known, and of its type, and every field
 * that must be there is.
 */
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const count: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const anything: Check = () => true;
const nothing: Check = (value) => value === null;
const is =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value);
const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const anyOf =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

function object(fields: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const there = Object.keys(value).sort().join();
    return (
      there === Object.keys(fields).sort().join() &&
      Object.entries(value).every(([name, item]) => fields[name]?.(item) === true)
    );
  };
}

const deltaUsage = {
  input_tokens: nullable(count),
  cache_creation_input_tokens: nullable(count),
  cache_read_input_tokens: nullable(count),
  output_tokens: count,
  output_tokens_details: nullable(object({ thinking_tokens: count })),
  server_tool_use: nullable(object({ web_fetch_requests: count, web_search_requests: count })),
};
const usage = object({
  ...deltaUsage,
  input_tokens: count,
  cache_creation: nullable(object({ ephemeral_1h_input_tokens: count, ephemeral_5m_input_tokens: count })),
  inference_geo: nullable(text),
  service_tier: nullable(is('standard', 'priority', 'batch')),
  speed: nullable(is('standard', 'fast')),
});
const stopReason = is(
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'pause_turn',
  'refusal',
  'model_context_window_exceeded',
);
const stopDetails = object({ type: is('refusal'), category: nullable(text), explanation: nullable(text) });
const block = anyOf(
  object({ type: is('text'), text, citations: nullable(listOf(anything)) }),
  object({ type: is('thinking'), thinking: text, signature: text }),
  object({ type: is('redacted_thinking'), data: text }),
  object({
    type: is('tool_use'),
    id: (value) => text(value) && /^[a-zA-Z0-9_-]+$/.test(String(value)),
    name: text,
    input: (value) => typeof value === 'object' && value !== null,
    caller: object({ type: is('direct') }),
  }),
);
const messageFields = {
  id: text,
  type: is('message'),
  role: is('assistant'),
  model: text,
  container: nothing,
  diagnostics: nothing,
  content: listOf(block),
  stop_reason: stopReason,
  stop_sequence: nullable(text),
  stop_details: nullable(stopDetails),
  usage,
};
const events: Readonly<Record<string, Check>> = {
  message_start: object({
    type: text,
    message: object({ ...messageFields, content: (value) => listOf(block)(value), stop_reason: nothing }),
  }),
  content_block_start: object({ type: text, index: count, content_block: block }),
  content_block_delta: object({
    type: text,
    index: count,
    delta: anyOf(
      object({ type: is('text_delta'), text }),
      object({ type: is('thinking_delta'), thinking: text }),
      object({ type: is('signature_delta'), signature: text }),
      object({ type: is('input_json_delta'), partial_json: text }),
    ),
  }),
  content_block_stop: object({ type: text, index: count }),
  message_delta: object({
    type: text,
    delta: object({
      container: nothing,
      stop_reason: stopReason,
      stop_sequence: nullable(text),
      stop_details: nullable(stopDetails),
    }),
    usage: object(deltaUsage),
  }),
  message_stop: object({ type: text }),
  ping: object({ type: text }),
  error: object({ type: text, error: object({ type: text, message: text }), request_id: text }),
};

export interface WireEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The events of a stream, each by its name and as it must be; the order is that of the vendor, with one block at a time. */
export function readMessageStream(body: string): readonly WireEvent[] {
  const read: WireEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      const fields = JSON.parse(data) as WireEvent;
      expect(event).toBe(fields.type);
      if (events[fields.type]?.(fields) !== true) throw new Error(`not as Anthropic writes it: ${data}`);
      read.push(fields);
    },
  });
  parser.feed(body);
  expectOrder(read.filter(({ type }) => type !== 'ping'));
  return read;
}

/** A whole message. */
export function expectMessage(body: unknown): void {
  if (!object(messageFields)(body)) throw new Error(`not as Anthropic writes it: ${JSON.stringify(body)}`);
}

function expectOrder(read: readonly WireEvent[]): void {
  const types = read.map(({ type }) => type).join(' ');
  const content = '(?: content_block_start(?: content_block_delta)* content_block_stop)*';
  const broken = '(?: content_block_start(?: content_block_delta)*(?: content_block_stop)?)* error';
  expect(types).toMatch(new RegExp(`^message_start(?:${content} message_delta message_stop|${broken})$`));
  let index = -1;
  for (const event of read) {
    if (event.type === 'content_block_start') index++;
    if (event['index'] !== undefined) expect(event['index']).toBe(index);
  }
}
