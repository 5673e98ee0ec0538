import { DomainError } from '../common/domain-error.js';
import type { GenerateMessage } from '../llm-providers/contract/generate-request.js';
import type { EarlierMessage, MessagePart } from './message.js';

/** Kept free for what an estimate gets wrong (conversations.md, Context). */
const margin = 0.05;
const defaultReservedOutput = 1024;

interface ContextLimits {
  /** Input and output together, in tokens; undefined when nobody knows: then nothing is left out. */
  readonly contextLength: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly systemPrompt: string | undefined;
}

/** Errs on the high side for ordinary text of any script: common tokenizers make a token of three to five UTF-8 bytes. */
function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3) + 4;
}

/**
 * What the model is given: the most recent messages that fit, oldest first, ending with the new one.
 * @param history newest first
 * @throws DomainError CONTEXT_LENGTH_EXCEEDED when not even the new message fits
 */
export function assembleContext(
  history: readonly EarlierMessage[],
  content: string,
  limits: ContextLimits,
): GenerateMessage[] {
  let room = roomFor(limits) - estimateTokens(content) - estimateTokens(limits.systemPrompt ?? '');
  if (room < 0) throw new DomainError('CONTEXT_LENGTH_EXCEEDED', { param: 'content' });
  const newestFirst: GenerateMessage[] = [{ role: 'user', parts: [{ type: 'text', text: content }] }];
  for (const message of history) {
    const earlier = toGenerateMessage(message);
    if (earlier === undefined) continue;
    room -= estimateTokens(message.content);
    if (room < 0) break;
    newestFirst.push(earlier);
  }
  return newestFirst.reverse();
}

/** As many bytes of earlier text as a context could hold, and no more than this where nobody knows how much that is. */
const unknownContextBytes = 2_000_000;
const mostBytesPerToken = 8;

/** How much of what was said before is worth reading, in bytes. */
export function historyBytes(contextLength: number | undefined): number {
  return contextLength === undefined ? unknownContextBytes : contextLength * mostBytesPerToken;
}

function roomFor({ contextLength, maxOutputTokens }: ContextLimits): number {
  if (contextLength === undefined) return Infinity;
  const reserved = Math.min(maxOutputTokens ?? defaultReservedOutput, contextLength / 2);
  return Math.floor((contextLength - reserved) * (1 - margin));
}

/** Undefined for answers of which nothing arrived. */
function toGenerateMessage(message: EarlierMessage): GenerateMessage | undefined {
  if (message.role === 'user') return { role: 'user', parts: [{ type: 'text', text: message.content }] };
  if (message.role !== 'assistant' || message.content === '') return undefined;
  return { role: 'assistant', parts: message.parts.filter(isSaid) };
}

/**
 * Of an answer only what was said. A tool call without its result would be refused by vendors. Reasoning is needed back only within
 * a round of tools; elsewhere a vendor may refuse it once what came before it was cut, or when another vendor signed it
 * (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
 */
function isSaid(part: MessagePart): part is Extract<MessagePart, { type: 'text' }> {
  return part.type === 'text';
}
