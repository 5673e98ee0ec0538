import type {
  GenerationFailure,
  JournalEvent,
  MessageComplete,
  MessageStart,
  NumberedEvent,
} from '../../generation/generation-event.js';
import { refusalOf } from '../reading.js';

type TextType = 'text' | 'reasoning';
type ToolCall = Extract<JournalEvent, { type: 'tool_call' }>;

/** Ends a good answer, and only a good one. */
const done = 'data: [DONE]\n\n';

/** Ours in the words of the protocol. */
const finishReasons: ReadonlyMap<string, string> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool-calls'],
  ['content_filter', 'content-filter'],
]);

/** What an answer is known by beside its text, as its message in a front end has it. */
type Metadata = Readonly<Record<string, unknown>>;

/**
 * The events of one answer as the chunks of the AI SDK's UI message stream (https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol). It knows
 * which part of the message is open and nothing of what has been said. Parts are numbered: a replay has the same ids.
 */
export class UiMessageEncoder {
  private parts = 0;
  private open: { readonly type: TextType; readonly id: string } | undefined;
  private isComplete = false;

  /** @param messageId what the message is to be called by the front end */
  constructor(private readonly messageId: string) {}

  /** The lines of one event; none for an event that says nothing to a front end. */
  encode({ event }: NumberedEvent): string {
    switch (event.type) {
      case 'message_start':
        return this.start(event);
      case 'token':
        return this.text('text', event.token);
      case 'reasoning':
        // A signature is between us and the vendor, but it ends what it signs.
        return this.text('reasoning', event.token) + (event.signature === undefined ? '' : this.endPart());
      case 'tool_call':
        return this.endPart() + toolCall(event);
      case 'status': {
        const { type, ...data } = event;
        return chunk(`data-${type}`, { data, transient: true });
      }
      case 'message_complete':
        return this.endPart() + this.finish(event);
      case 'error':
        return this.endPart() + failure(event);
      case 'close':
        return this.isComplete ? done : '';
    }
  }

  /** The last lines for a reader who may not read on. */
  refuse(reason: unknown): string {
    return this.endPart() + error(refusalOf(reason));
  }

  private start({ userMessageId, threadId, modelId, timestamp }: MessageStart): string {
    const messageMetadata: Metadata = { threadId, userMessageId, modelId, createdAt: timestamp };
    return chunk('start', { messageId: this.messageId, messageMetadata });
  }

  private text(type: TextType, delta: string): string {
    if (delta === '') return '';
    let opening = '';
    if (this.open?.type !== type) {
      opening = this.endPart();
      this.open = { type, id: `${type}-${this.parts++}` };
      opening += chunk(`${type}-start`, { id: this.open.id });
    }
    return opening + chunk(`${type}-delta`, { id: this.open.id, delta });
  }

  private endPart(): string {
    if (this.open === undefined) return '';
    const { type, id } = this.open;
    this.open = undefined;
    return chunk(`${type}-end`, { id });
  }

  private finish({ finishReason, usage, totalTokens, timestamp }: MessageComplete): string {
    this.isComplete = true;
    const messageMetadata: Metadata = {
      status: 'complete',
      usage: { ...usage, totalTokens },
      finishedAt: timestamp,
    };
    return chunk('finish', { finishReason: finishReasons.get(finishReason) ?? 'other', messageMetadata });
  }
}

/** Nobody has declared the tools to the front end, hence dynamic ones. */
function toolCall({ id: toolCallId, name: toolName, input }: ToolCall): string {
  const call = { toolCallId, toolName, dynamic: true };
  const start = chunk('tool-input-start', call);
  try {
    return start + chunk('tool-input-available', { ...call, input: JSON.parse(input) as unknown });
  } catch {
    const errorText = 'The model called the tool with input that is not JSON.';
    return start + chunk('tool-input-error', { ...call, input, errorText });
  }
}

/** What was stopped is an abort, everything else that ends an answer early an error: a front end must not take it for whole. */
function failure(event: GenerationFailure): string {
  const { code: errorCode, retryable } = event;
  if (errorCode === 'GENERATION_CANCELLED') {
    return metadata({ status: 'cancelled', errorCode }) + chunk('abort', { reason: event.message });
  }
  return metadata({ status: 'error', errorCode, retryable }) + error(event);
}

function error({ code, message }: Pick<GenerationFailure, 'code' | 'message'>): string {
  return chunk('error', { errorText: `${message} (${code})` });
}

function metadata(messageMetadata: Metadata): string {
  return chunk('message-metadata', { messageMetadata });
}

/** JSON keeps newlines of the text inside the data line. */
function chunk(type: string, content: object): string {
  return `data: ${JSON.stringify({ type, ...content })}\n\n`;
}
