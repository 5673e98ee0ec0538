import { APIError } from 'openai';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { BytesEvent, ForwardEvent, ForwardRequest, WireProtocol } from '../../contract/forward.js';
import type { TokenUsage } from '../../contract/generate-event.js';
import { ForwardedEvents } from '../../forwarded-events.js';
import { isRecord, JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { toChatUsage } from './chat-usage.js';
import type { Operation } from './endpoint.js';
import { ForwardedChat } from './forwarded-chat.js';
import { UnfinishedError } from './openai-errors.js';

/** What is passed on as it is. */
export type ForwardedProtocol = 'openai-chat' | 'openai-completions' | 'openai-embeddings';

const operations: Readonly<Record<ForwardedProtocol, Operation>> = {
  'openai-chat': '/chat/completions',
  'openai-completions': '/completions',
  'openai-embeddings': '/embeddings',
};

export function isForwarded(protocol: WireProtocol): protocol is ForwardedProtocol {
  return Object.hasOwn(operations, protocol);
}

interface Outgoing {
  readonly operation: Operation;
  readonly body: Uint8Array | string;
  readonly streams: boolean;
  /** The program wants to know of no usage: we ask for it all the same. */
  readonly hidesUsage: boolean;
}

/** The request as it is sent: as it came, unless another model is meant by its name or we have to ask for usage. */
export function toOutgoing(request: ForwardRequest, protocol: ForwardedProtocol): Outgoing {
  const { body, bytes, model } = request;
  const streams = body['stream'] === true;
  const options = isRecord(body['stream_options']) ? body['stream_options'] : {};
  const hidesUsage = streams && options['include_usage'] !== true;
  const isAsItWas = body['model'] === model && !hidesUsage;
  const changed = {
    ...body,
    model,
    ...(hidesUsage ? { stream_options: { ...options, include_usage: true } } : {}),
  };
  return {
    operation: operations[protocol],
    body: isAsItWas ? bytes : JSON.stringify(changed),
    streams,
    hidesUsage,
  };
}

/** The answer to a request that was passed on, while it comes. */
export class ForwardedAnswer {
  /** Whether anything of it has been passed on. */
  outputBegan = false;

  constructor(
    private readonly response: Dispatcher.ResponseData,
    private readonly requestId: string | undefined,
  ) {}

  /** @throws APIError, UnexpectedShapeError, UnfinishedError, and whatever reading throws */
  async *events({ streams, hidesUsage }: Outgoing): AsyncGenerator<ForwardEvent, void, undefined> {
    const { statusCode, headers, body } = this.response;
    if (statusCode !== 200) throw await refusal(this.response);
    yield { type: 'start', ...(this.requestId === undefined ? {} : { requestId: this.requestId }) };
    const type = String(headers['content-type'] ?? '');
    if (!(streams ? /^text\/event-stream\b/i : /^application\/json\b/i).test(type)) {
      body.destroy();
      throw new UnexpectedShapeError('response', streams ? 'an event stream' : 'JSON');
    }
    const usage = streams ? yield* this.stream(new ForwardedChat(hidesUsage)) : yield* this.whole();
    yield { type: 'finish', ...(usage === undefined ? {} : { usage }) };
  }

  private async *whole(): AsyncGenerator<BytesEvent, TokenUsage | undefined, undefined> {
    const bytes = await this.response.body.bytes();
    const answer = JsonObject.from(JSON.parse(Buffer.from(bytes).toString('utf8')), 'response');
    const usage = answer.object('usage');
    yield this.passed(bytes, 1);
    return usage === undefined ? undefined : usageOf(usage);
  }

  private async *stream(chat: ForwardedChat): AsyncGenerator<BytesEvent, TokenUsage | undefined, undefined> {
    const cut = new ForwardedEvents();
    for await (const piece of this.response.body) {
      const events = cut.add(piece as Buffer); // Bodies of undici are Buffers unless an encoding is set.
      const passed: Buffer[] = [];
      for (const event of events) {
        const shown = chat.pass(event);
        if (shown !== undefined) passed.push(shown);
      }
      if (passed.length > 0) yield this.passed(joined(passed), passed.length);
    }
    if (!chat.isOver) throw new UnfinishedError();
    return chat.usage;
  }

  private passed(bytes: Uint8Array, events: number): BytesEvent {
    this.outputBegan = true;
    return { type: 'bytes', bytes, events };
  }
}

function joined(events: readonly Buffer[]): Buffer {
  const [first] = events;
  return events.length === 1 && first !== undefined ? first : Buffer.concat(events);
}

/** Embeddings have no output. */
function usageOf(usage: JsonObject): TokenUsage {
  if (usage.value('completion_tokens') !== undefined) return toChatUsage(usage);
  return { inputTokens: usage.requiredCount('prompt_tokens'), outputTokens: 0 };
}

/** What the SDK would have thrown. */
async function refusal({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<APIError> {
  const text = await body.text();
  return APIError.generate(statusCode, parsed(text), undefined, toHeaders(headers));
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function toHeaders(headers: IncomingHttpHeaders): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) all.set(name, String(value));
  }
  return all;
}
