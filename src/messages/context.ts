import type { GenerateMessage, TextPart } from '../llm-providers/contract/generate-request.js';
import { tokensBeforeAnswer } from '../llm-providers/tokens/token-counter.js';
import type { EarlierMessage, MessagePart } from './message.js';

/** Kept free for what is counted wrong, and for what vendors add (conversations.md, Context). */
const margin = 0.05;
const defaultReservedOutput = 1024;

export interface ContextLimits {
  /** Input and output together, in tokens; undefined when nobody knows: then nothing is left out. */
  readonly contextLength: number | undefined;
  readonly maxOutputTokens: number | undefined;
}

/** What was said before a message on its branch. */
export interface EarlierConversation {
  /** Newest first, as many as were read. */
  readonly messages: readonly EarlierMessage[];
  /** Whether they go back to the beginning. */
  readonly isWhole: boolean;
  readonly summary: KeptSummary | undefined;
}

/** Of the older part of a branch. */
interface KeptSummary {
  readonly text: string;
  /** The last message that it covers. */
  readonly throughId: string;
}

/** What a model is given. */
export interface Context {
  /** Oldest first, ending with the new message. */
  readonly messages: GenerateMessage[];
  /** Whether something was left out that no summary covers. */
  readonly hasGap: boolean;
}

/** An earlier message as a model is told of it. */
export interface Said {
  readonly id: string;
  readonly text: string;
  readonly message: Extract<GenerateMessage, { role: 'user' | 'assistant' }>;
}

/** Tokens that a context has for everything that a model is given; Infinity when nobody knows. */
export function inputTokensOf({ contextLength, maxOutputTokens }: ContextLimits): number {
  if (contextLength === undefined) return Infinity;
  const reserved = Math.min(maxOutputTokens ?? defaultReservedOutput, contextLength / 2);
  return Math.floor((contextLength - reserved) * (1 - margin)) - tokensBeforeAnswer;
}

/**
 * Empty for answers of which nothing arrived, and for what a system or a tool said in an import: what made sense beside the tools and
 * the prompt of another service. Summaries leave out the same.
 */
export function toSaid({ id, role, content: text, parts }: EarlierMessage): readonly Said[] {
  if (role === 'user') return [{ id, text, message: { role, parts: [{ type: 'text', text }] } }];
  if (role !== 'assistant' || text === '') return [];
  return [{ id, text, message: { role, parts: parts.filter(isSaid) } }];
}

/**
 * Of an answer only what was said. A tool call without its result would be refused by vendors. Reasoning is needed back only within
 * a round of tools; elsewhere a vendor may refuse it once what came before it was cut, or when another vendor signed it
 * (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
 */
function isSaid(part: MessagePart): part is TextPart {
  return part.type === 'text';
}

/** What a model is told in the place of what is left out. */
export function toldSummary(summary: string): string {
  return `Not all of our conversation fits here. This is a summary of its older part:\n<summary>\n${summary}\n</summary>\n\n`;
}

/**
 * The messages of a request, oldest first. They begin with a person: vendors and chat templates refuse conversations that an assistant
 * begins. The summary is said by that person, since it is no more to be obeyed than what it sums up, and since not every model takes
 * system prompts.
 * @param earlier newest first
 */
export function toMessages(
  earlier: readonly Said[],
  content: string,
  summary: string | undefined,
): GenerateMessage[] {
  const newest: Said['message'] = { role: 'user', parts: [{ type: 'text', text: content }] };
  const oldestFirst = [...earlier.map(({ message }) => message).reverse(), newest];
  const messages = oldestFirst.slice(oldestFirst.findIndex(({ role }) => role === 'user'));
  const [first, ...others] = messages;
  if (summary === undefined || first?.role !== 'user') return messages;
  const parts = [{ type: 'text' as const, text: toldSummary(summary) }, ...first.parts];
  return [{ role: 'user', parts }, ...others];
}
