import { Injectable } from '@nestjs/common';
import { encodingOf, type CountedModel } from '../llm-providers/tokens/encodings.js';
import { estimateTokens } from '../llm-providers/tokens/estimated-tokens.js';
import { TokenCounter, tokensAroundMessage } from '../llm-providers/tokens/token-counter.js';
import {
  inputTokensOf,
  toldSummary,
  toMessages,
  toSaid,
  type Context,
  type ContextLimits,
  type EarlierConversation,
  type Said,
} from './context.js';

/** As much of a text as is worth reading for a token, in bytes: tokens of prose have four, those of code and blanks more. */
const mostBytesPerToken = { counted: 8, estimated: 4 };

/** And where nobody knows how much fits. */
export const unknownContextBytes = 2_000_000;

/** About 100 bytes each. */
const mostRememberedCounts = 50_000;

/** What is given to a model whatever was said before. */
interface NewestMessage {
  readonly content: string;
  readonly systemPrompt: string | undefined;
}

/** The context of a model for a conversation that ends with a new message. */
export interface ContextRoom {
  readonly model: CountedModel;
  readonly newest: NewestMessage;
  /** For everything; Infinity when nobody knows. */
  readonly tokens: number;
  /** What the newest message takes of them, once it had to be counted. */
  readonly taken: number | undefined;
}

/** Gives each model as much of a conversation as fits (conversations.md, Context). */
@Injectable()
export class ContextService {
  /** By tokenizer and message, the least recently used first: what a message says does not change. */
  private readonly known = new Map<string, number>();

  constructor(private readonly tokens: TokenCounter) {}

  /** Undefined when not even the new message fits. */
  async roomFor(
    model: CountedModel,
    newest: NewestMessage,
    limits: ContextLimits,
  ): Promise<ContextRoom | undefined> {
    const tokens = inputTokensOf(limits);
    const taken = mostTokens(textsOf(newest)) <= tokens ? undefined : await this.countNewest(model, newest);
    return (taken ?? 0) > tokens ? undefined : { model, newest, tokens, taken };
  }

  /**
   * What the model is given: everything, or the most recent messages that fit and the summary, if there is one and room for it. What lies
   * between the two is lost until the next summary: the gap.
   */
  async assemble(
    { model, newest, tokens, taken }: ContextRoom,
    conversation: EarlierConversation,
  ): Promise<Context> {
    const { messages, isWhole, summary } = conversation;
    const { content } = newest;
    const earlier = messages.flatMap(toSaid);
    // No token is shorter than a byte: as long as these fit, nothing need be counted.
    const mayBe = mostTokens([...textsOf(newest), ...earlier.map(({ text }) => text)]);
    if (isWhole && mayBe <= tokens)
      return { messages: toMessages(earlier, content, undefined), hasGap: false };

    const left = tokens === Infinity ? Infinity : tokens - (taken ?? (await this.countNewest(model, newest)));
    const recent = await this.mostRecent(earlier, left, model);
    const told = (messages: Said[], said: string | undefined): Context => ({
      messages: toMessages(messages, content, said),
      hasGap: isAnyLost(earlier, messages, conversation),
    });
    const isComplete = isWhole && recent.length === earlier.length;
    if (isComplete || summary === undefined) return told(recent, undefined);
    const beside = left - (await this.tokens.count(model, toldSummary(summary.text)));
    if (beside < 0) return told(recent, undefined);
    return told(await this.mostRecent(recent, beside, model), summary.text);
  }

  /** @param messages newest first */
  private async mostRecent(messages: readonly Said[], tokens: number, model: CountedModel): Promise<Said[]> {
    if (tokens === Infinity) return [...messages];
    const recent: Said[] = [];
    let left = tokens;
    for (const said of messages) {
      left -= tokensAroundMessage + (await this.countSaid(said, model));
      if (left < 0) break;
      recent.push(said);
    }
    return recent;
  }

  private async countNewest(model: CountedModel, newest: NewestMessage): Promise<number> {
    let tokens = 0;
    for (const text of textsOf(newest))
      tokens += tokensAroundMessage + (await this.tokens.count(model, text));
    return tokens;
  }

  private async countSaid({ id, text }: Said, model: CountedModel): Promise<number> {
    const key = `${encodingOf(model) ?? 'estimated'} ${id}`;
    const tokens = this.known.get(key) ?? (await this.tokens.count(model, text));
    this.known.delete(key);
    this.known.set(key, tokens);
    const [oldest] = this.known.keys();
    if (oldest !== undefined && this.known.size > mostRememberedCounts) this.known.delete(oldest);
    return tokens;
  }
}

/**
 * Ids grow along a branch: what is newer than the last message that the summary covers has to be among what is told.
 * @param said all that was read, newest first, of which the first are told
 */
function isAnyLost(
  said: readonly Said[],
  told: readonly Said[],
  { messages, isWhole, summary }: EarlierConversation,
): boolean {
  const covered = summary?.throughId ?? '';
  const oldest = messages.at(-1);
  const isUnread = !isWhole && (oldest === undefined || oldest.id > covered);
  return isUnread || said.slice(told.length).some(({ id }) => id > covered);
}

/** How much of what was said before is worth reading, in bytes. */
export function historyBytes({ model, tokens }: ContextRoom): number {
  if (tokens === Infinity) return unknownContextBytes;
  return tokens * mostBytesPerToken[encodingOf(model) === undefined ? 'estimated' : 'counted'];
}

/** Tokens of what a model would be given, as we estimate them. */
export function estimatedTokens({ newest, tokens }: ContextRoom, { messages }: EarlierConversation): number {
  const texts = [...textsOf(newest), ...messages.map(({ content }) => content)];
  const estimated = texts.reduce((sum, text) => sum + tokensAroundMessage + estimateTokens(text), 0);
  return Math.min(estimated, tokens);
}

function textsOf({ content, systemPrompt }: NewestMessage): readonly string[] {
  return systemPrompt === undefined ? [content] : [systemPrompt, content];
}

function mostTokens(texts: readonly string[]): number {
  return texts.reduce((tokens, text) => tokens + tokensAroundMessage + Buffer.byteLength(text), 0);
}
