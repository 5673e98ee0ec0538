import type { MessageDto } from '../../../src/messages/dto/message.dto.js';
import type { AnswerPlan } from '../installation/planned-upstream.js';

/** Something that the server said to a client, or that happened to their connection; `at` as `Date.now()` has it. */
export type Fact = { readonly at: number } & (
  | { readonly type: 'answered'; readonly userMessage: MessageDto; readonly assistantMessage: MessageDto }
  | {
      readonly type: 'event';
      readonly id: string;
      readonly event: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'refused' | 'cancel refused'; readonly refusal: Refusal }
  | { readonly type: 'broken'; readonly reason: string }
  | { readonly type: 'cancelled'; readonly status: number; readonly message: MessageDto }
  | { readonly type: 'gave up' }
);

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryAfter: string | null;
  /** The messages that the refusal names: then the answer has ended, and was kept. */
  readonly messageId: string | undefined;
  readonly userMessageId: string | undefined;
}

/** One question and everything that was said about it, in order. */
export interface Exchange {
  readonly plan: AnswerPlan;
  readonly subject: string;
  readonly threadId: string;
  readonly isStreamed: boolean;
  readonly facts: Fact[];
}

type EventFact = Extract<Fact, { type: 'event' }>;

export function eventsOf({ facts }: Pick<Exchange, 'facts'>): EventFact[] {
  return facts.filter((fact): fact is EventFact => fact.type === 'event');
}

export function factOf<Type extends Fact['type']>(
  { facts }: Pick<Exchange, 'facts'>,
  type: Type,
): Extract<Fact, { type: Type }> | undefined {
  return facts.find((fact): fact is Extract<Fact, { type: Type }> => fact.type === type);
}

/** What the reader has, over all their connections. */
export function readText(exchange: Pick<Exchange, 'facts'>): string {
  return eventsOf(exchange)
    .map(({ event, data }) => (event === 'token' ? String(data['token']) : ''))
    .join('');
}

/** A refusal after which the same request may be sent again. */
export function isForNow({ status, code }: Refusal): boolean {
  return status === 503 || code === 'GENERATION_IN_PROGRESS';
}

/** Whether the client has been told how it ended. */
export function isOver(exchange: Pick<Exchange, 'facts'>): boolean {
  return exchange.facts.some(
    (fact) =>
      fact.type === 'answered' ||
      fact.type === 'gave up' ||
      (fact.type === 'event' && fact.event === 'close') ||
      (fact.type === 'refused' && !isForNow(fact.refusal)),
  );
}
