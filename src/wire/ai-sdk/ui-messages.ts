import { DomainError } from '../../common/domain-error.js';
import { fromWireId } from '../../common/ids.js';
import { isText } from '../../infrastructure/http/text-rules.js';
import { maxMessageCharacters } from '../../messages/message.js';
import type { ChatDto } from './dto/chat.dto.js';

/** A message of ours as a front end names it. */
export interface NamedMessage {
  /** UUID. */
  readonly id: string;
  /** Where the front end names it. */
  readonly param: string;
}

/** What a front end has said, as far as it counts: the thread is the truth of everything before. */
export interface Said {
  /** The text of the last message, if that is a person's. */
  readonly text?: string;
  /** What the front end calls the last message. */
  readonly id?: unknown;
  /** Our answers before it that the front end shows, oldest first; undefined when it does not say. */
  readonly answers?: readonly NamedMessage[];
}

interface UiMessage {
  readonly id: unknown;
  readonly role: string;
  readonly parts: readonly unknown[];
  readonly param: string;
}

/**
 * The last message, by itself or as the end of a conversation.
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER for what is not text
 */
export function readSaid(body: Pick<ChatDto, 'messages' | 'message'>): Said {
  if (body.message !== undefined) {
    if (body.messages !== undefined) throw invalid('message', 'message and messages exclude each other');
    const message = read(body.message, 'message');
    return { id: message.id, text: textOf(message) };
  }
  if (body.messages === undefined) return {};
  const messages = body.messages.map((message, index) => read(message, `messages.${index}`));
  const answers = messages.flatMap(({ id, role, param }) => {
    const ours = role === 'assistant' ? messageIdOf(id) : undefined;
    return ours === undefined ? [] : [{ id: ours, param: `${param}.id` }];
  });
  const last = messages.at(-1);
  return last?.role === 'user' ? { id: last.id, text: textOf(last), answers } : refuseResults(last, answers);
}

/** Undefined for what is no id of ours. */
export function messageIdOf(id: unknown): string | undefined {
  return typeof id === 'string' ? fromWireId('message', id) : undefined;
}

function read(message: unknown, param: string): UiMessage {
  if (!isRecord(message)) throw invalid(param, `${param} must be a message`);
  const { id, role, parts } = message;
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    throw invalid(`${param}.role`, `${param}.role must be user, assistant or system`);
  }
  if (!Array.isArray(parts)) throw invalid(`${param}.parts`, `${param}.parts must be an array`);
  return { id, role, parts, param };
}

function textOf({ role, parts, param }: UiMessage): string {
  if (role !== 'user') throw invalid(`${param}.role`, `${param} must be a message of a person`);
  const texts = parts.map((part, index) => {
    const where = `${param}.parts.${index}`;
    if (!isRecord(part) || typeof part['type'] !== 'string') throw invalid(where, `${where} must be a part`);
    if (part['type'] !== 'text') throw unsupported(where);
    if (typeof part['text'] !== 'string') throw invalid(`${where}.text`, `${where}.text must be text`);
    return part['text'];
  });
  const text = texts.join('\n\n');
  if (isText(text, maxMessageCharacters)) return text;
  throw invalid(
    `${param}.parts`,
    `${param} must have text of 1 to ${maxMessageCharacters} characters, not blank and without NUL`,
  );
}

/** A front end that has run a tool says so in the answer that called it, and nothing more. */
function refuseResults(last: UiMessage | undefined, answers: readonly NamedMessage[]): Said {
  const result = last?.parts.findIndex((part) => isRecord(part) && hasResult(part)) ?? -1;
  if (result >= 0) throw unsupported(`${last?.param ?? ''}.parts.${result}`);
  return { answers };
}

function hasResult({ state }: Readonly<Record<string, unknown>>): boolean {
  return typeof state === 'string' && /^(?:output|approval)-/.test(state);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(param: string, message: string): DomainError {
  return new DomainError('VALIDATION_FAILED', { param, message });
}

function unsupported(param: string): DomainError {
  return new DomainError('UNSUPPORTED_PARAMETER', { param, message: `Only text can be sent, not ${param}.` });
}
