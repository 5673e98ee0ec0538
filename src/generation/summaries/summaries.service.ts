import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Log } from '../../infrastructure/logging/log.js';
import { estimateTokens } from '../../llm-providers/tokens/estimated-tokens.js';
import {
  StoredSummaries,
  type Conversation,
  type Stretch,
  type SummaryLease,
} from '../../messages/summaries/stored-summaries.service.js';
import type { ModelRoute } from '../../models/model-route.js';
import type { ModelUser } from '../../models/model-user.js';
import { contextLengthOf } from '../generation-plans.js';
import { ShortTexts, type ShortText } from '../short-texts.js';
import { mostSummaryTokens, summaryPrompt, type SummaryPrompt } from './summary-prompt.js';

/** Of all stretches of a conversation together, in ms: those that are done then stand. */
export const limitMs = 600_000;
/** How long a model may take for one summary, in ms. */
const callLimitMs = 120_000;
/** The lease outlasts the call, by what it takes to write the summary down. */
const leaseMs = callLimitMs + 15_000;
/** Room for a summary, and for what a model thinks before it writes one. */
const mostOutputTokens = 4096;
/** What is summarised at once where nobody knows the context of the model, in tokens. */
const unknownContextTokens = 8192;
/** As much is summarised at once at most, in bytes. */
const mostBytes = 1_000_000;
/** Kept free for what estimates get wrong, and what a vendor puts around the text. */
const usable = 0.9;

export interface SummaryWish extends Conversation {
  readonly requestId: string;
  readonly signal: AbortSignal;
}

export interface Summary extends ShortText {
  readonly at: Date;
}

/**
 * Summarises conversations: what no summary covers yet, but for the newest question and answer, is put into the next one, which builds
 * on the one before. What is too long for the model that summarises is taken one stretch after the other; each makes a summary that
 * stands. No connection is held while a model writes.
 */
@Injectable()
export class Summaries {
  constructor(
    private readonly stored: StoredSummaries,
    private readonly texts: ShortTexts,
    private readonly log: Log,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  /**
   * @param who asked before each stretch: throws when they may do nothing any more
   * @returns the last summary
   * @throws DomainError as `StoredSummaries` does, NOTHING_TO_SUMMARIZE, as `ShortTexts` does; the summary before stays then
   */
  async summarize(who: () => Promise<ModelUser>, asked: SummaryWish): Promise<Summary> {
    const user = await who();
    const wish = { ...asked, signal: AbortSignal.any([asked.signal, AbortSignal.timeout(limitMs)]) };
    let lease = await this.stored.begin(user, wish, leaseMs);
    try {
      let summary: Summary | undefined;
      for (;;) {
        const next = await this.step(await who(), wish, lease);
        if (next === undefined) break;
        ({ lease, summary } = next);
      }
      if (summary === undefined) throw new DomainError('NOTHING_TO_SUMMARIZE');
      return summary;
    } finally {
      await this.stored.end(user, wish, lease).catch((error: unknown) => {
        this.log.warn({ err: error }, 'the lease of a summary ends by itself');
      });
    }
  }

  /** One stretch; undefined when nothing is left. */
  private async step(
    user: ModelUser,
    wish: SummaryWish,
    lease: SummaryLease,
  ): Promise<{ readonly lease: SummaryLease; readonly summary: Summary } | undefined> {
    const stretch = await this.stored.next(user, wish, lease, mostBytes);
    if (stretch === undefined) return undefined;
    const route = await this.texts.routeOf(user, this.models(wish.modelId));
    const prompt = promptFor(route, stretch);
    const summary = await this.write(user, route, prompt, wish);
    const { throughId } = prompt;
    const stored = await this.stored.store(user, wish, { lease, leaseMs, text: summary.text, throughId });
    return { lease: stored.lease, summary: { ...summary, at: stored.at } };
  }

  private async write(
    user: ModelUser,
    route: ModelRoute,
    prompt: SummaryPrompt,
    { requestId, signal }: SummaryWish,
  ): Promise<ShortText> {
    const summary = await this.texts.write(user, route, {
      ...prompt,
      requestId,
      signal,
      limitMs: callLimitMs,
      maxOutputTokens: outputTokensOf(route),
    });
    // Estimates are on the high side, of some scripts many times.
    const tokens = Math.min(summary.tokens, estimateTokens(summary.text));
    if (tokens > mostSummaryTokens) throw new DomainError('PROVIDER_INVALID_RESPONSE');
    return summary;
  }

  private models(own: string): [string, ...string[]] {
    const preferred = this.config['summaries.model'];
    return preferred === undefined ? [own] : [preferred, own];
  }
}

/** What fits into the smallest of the models that may be asked, beside what it writes. */
function promptFor(route: ModelRoute, { messages, summary }: Stretch): SummaryPrompt {
  const room = Math.floor(contextOf(route) * usable) - outputTokensOf(route);
  return summaryPrompt(messages, { summary, maxTokens: room });
}

function outputTokensOf(route: ModelRoute): number {
  return Math.min(mostOutputTokens, Math.floor(contextOf(route) / 4));
}

function contextOf({ targets }: ModelRoute): number {
  return Math.min(...targets.map((target) => contextLengthOf(target) ?? unknownContextTokens));
}
