import type { TokenUsage } from '../../contract/generate-event.js';
import type { Passed, StreamTap } from '../../forwarded-answer.js';
import { isRecord, JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { estimateTokens } from '../../tokens/estimated-tokens.js';
import { ReportedError, UnfinishedError } from './anthropic-errors.js';
import { UsageCounter } from './usage-counter.js';

/** What comes before there is any output: held back, so that until then another model can be asked instead. */
const preludes: ReadonlySet<string | undefined> = new Set([
  undefined,
  'message_start',
  'ping',
  'content_block_start',
]);

const known: ReadonlySet<string | undefined> = new Set([
  ...preludes,
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'error',
]);

interface StreamEvent {
  /** Undefined for a comment, and for what is of no use to anybody. */
  readonly type: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

/**
 * Looks at the events of a message on their way from Anthropic to a program that speaks the same: for how much was used, for an error,
 * and for the end. https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export class ForwardedMessage implements StreamTap {
  isOver = false;
  private held: Buffer[] = [];
  private outputBegan = false;
  private hasReason = false;
  private readonly counter = new UsageCounter();

  get usage(): TokenUsage | undefined {
    return this.counter.total();
  }

  /** @throws ReportedError, UnfinishedError, UnexpectedShapeError, SyntaxError */
  pass(event: Buffer): Passed | undefined {
    const read = readEvent(event);
    if (read === undefined) return undefined;
    const { type, fields, bytes } = read;
    this.look(type, fields);
    this.outputBegan ||= !preludes.has(type);
    if (!this.outputBegan) {
      this.held.push(bytes);
      return undefined;
    }
    const all = this.held.length === 0 ? bytes : Buffer.concat([...this.held, bytes]);
    this.held = [];
    return { bytes: all, tokens: type === 'content_block_delta' ? tokensOf(fields['delta']) : 0 };
  }

  private look(type: string | undefined, fields: StreamEvent['fields']): void {
    switch (type ?? '') {
      case 'message_start': {
        const message = JsonObject.from(fields['message'], 'message');
        this.counter.countStart(message.object('usage'));
        return;
      }
      case 'message_delta': {
        const event = JsonObject.from(fields, 'event');
        this.hasReason ||= event.requiredObject('delta').text('stop_reason') !== undefined;
        this.counter.countDelta(event.object('usage'));
        return;
      }
      case 'message_stop':
        if (!this.hasReason) throw new UnfinishedError();
        this.isOver = true;
        return;
      case 'error':
        throw new ReportedError(fields);
    }
  }
}

/** The usage of a message that did not come as a stream. @throws ReportedError, UnexpectedShapeError */
export function messageUsage(message: JsonObject): TokenUsage | undefined {
  const type = message.requiredText('type');
  if (type === 'error') throw new ReportedError({ type, error: message.value('error') });
  if (type !== 'message') throw new UnexpectedShapeError('response.type', 'message');
  if (message.objects('content') === undefined) throw new UnexpectedShapeError('response.content', 'a list');
  const counter = new UsageCounter();
  counter.countDelta(message.object('usage'));
  return counter.total();
}

/**
 * An event by its data; the name that programs go by is given to it where it is missing. Undefined when it is of no kind that we know
 * and no JSON: no program could read it.
 * @throws UnexpectedShapeError, SyntaxError for a known one that is not valid
 */
function readEvent(bytes: Buffer): StreamEvent | undefined {
  const { name, data } = linesOf(bytes);
  if (data === undefined) return { type: undefined, fields: {}, bytes };
  try {
    const fields: unknown = JSON.parse(data);
    if (!isRecord(fields)) throw new UnexpectedShapeError('event', 'an object');
    const { type } = fields;
    if (typeof type !== 'string') throw new UnexpectedShapeError('event.type', 'a string');
    const isNamed = name !== undefined;
    return { type, fields, bytes: isNamed ? bytes : Buffer.concat([Buffer.from(`event: ${type}\n`), bytes]) };
  } catch (error) {
    if (name !== undefined && !known.has(name)) return undefined;
    throw error;
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function linesOf(event: Buffer): { readonly name: string | undefined; readonly data: string | undefined } {
  let name: string | undefined;
  let data: string | undefined;
  for (const line of event.toString('utf8').split(/\r?\n/)) {
    if (line.startsWith('data:')) {
      const value = valueOf(line, 'data:');
      data = data === undefined ? value : `${data}\n${value}`;
    } else if (line.startsWith('event:')) name = valueOf(line, 'event:');
  }
  return { name, data };
}

function valueOf(line: string, field: string): string {
  return line.slice(line[field.length] === ' ' ? field.length + 1 : field.length);
}

function tokensOf(delta: unknown): number {
  if (!isRecord(delta)) return 0;
  const piece = delta['text'] ?? delta['thinking'] ?? delta['partial_json'];
  return typeof piece === 'string' ? estimateTokens(piece) : 0;
}
