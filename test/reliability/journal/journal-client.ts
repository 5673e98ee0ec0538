import { createParser } from 'eventsource-parser';
import { setTimeout as wait } from 'node:timers/promises';
import type { MessageDto } from '../../../src/messages/dto/message.dto.js';
import type { Person } from '../../support/parley.js';
import { plannedModel } from '../installation/installation.js';
import { questionOf } from '../installation/planned-upstream.js';
import { eventsOf, factOf, isOver, type Exchange, type Fact, type Refusal } from './facts.js';

/** What a client does of its own accord: leaves and comes back, or stops the answer, after so many pieces of text. */
export interface Behaviour {
  readonly leavesAfter?: number | undefined;
  readonly cancelsAfter?: number | undefined;
}

type NewFact = Fact extends infer Each ? (Each extends Fact ? Omit<Each, 'at'> : never) : never;

interface ErrorBody {
  readonly error?: { readonly code: string; readonly details?: Readonly<Record<string, string>> };
}

const patienceMs = 90_000;
const retryAfterMs = 100;

/** Somebody who writes down everything they are told, and does not give up: the same key, or where the stream broke off. */
export class JournalClient {
  constructor(private readonly person: Person) {}

  /** Resolves when the client was told how it ended, or gave up. */
  async carryOut(exchange: Exchange, behaviour: Behaviour = {}): Promise<void> {
    const giveUpAt = Date.now() + patienceMs;
    const acts = { left: false, cancelling: undefined as Promise<void> | undefined };
    while (!isOver(exchange)) {
      if (Date.now() > giveUpAt) note(exchange, { type: 'gave up' });
      else {
        await this.attempt(exchange, behaviour, acts).catch((error: unknown) =>
          note(exchange, { type: 'broken', reason: reasonOf(error) }),
        );
      }
      if (!isOver(exchange)) await wait(retryAfterMs);
    }
    await acts.cancelling;
  }

  private async attempt(
    exchange: Exchange,
    behaviour: Behaviour,
    acts: { left: boolean; cancelling: Promise<void> | undefined },
  ): Promise<void> {
    const abort = new AbortController();
    const response = await this.open(exchange, abort.signal);
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
      await takeAnswer(exchange, response);
      return;
    }
    for await (const fact of readFacts(response)) {
      note(exchange, fact);
      const { length } = eventsOf(exchange).filter(({ event }) => event === 'token');
      if (length === behaviour.cancelsAfter) acts.cancelling ??= this.cancel(exchange);
      if (length === behaviour.leavesAfter && !acts.left) {
        acts.left = true;
        abort.abort(new Error('left'));
      }
    }
    if (!isOver(exchange)) note(exchange, { type: 'broken', reason: 'the stream ended without close' });
  }

  private open(exchange: Exchange, signal: AbortSignal): Promise<Response> {
    const messageId = messageIdOf(exchange);
    if (messageId !== undefined) {
      return this.person.browser.fetch(`/api/messages/${messageId}/stream`, {
        headers: { 'last-event-id': eventsOf(exchange).at(-1)?.id ?? '' },
        signal,
      });
    }
    const { threadId, plan, isStreamed } = exchange;
    return this.person.browser.fetch(`/api/threads/${threadId}/models/${plannedModel}/messages`, {
      method: 'POST',
      body: JSON.stringify({ content: questionOf(plan), stream: isStreamed }),
      headers: { 'content-type': 'application/json', 'idempotency-key': plan.key },
      signal,
    });
  }

  /** Until it is acknowledged, or the answer is over. */
  private async cancel(exchange: Exchange): Promise<void> {
    const path = `/api/messages/${messageIdOf(exchange) ?? ''}/cancel`;
    while (factOf(exchange, 'cancelled') === undefined && factOf(exchange, 'gave up') === undefined) {
      const answer = await this.person.ask<MessageDto>('POST', path, {}).catch(() => undefined);
      if (answer?.error !== undefined) {
        const { status, headers, error } = answer;
        const refusal = refusalOf(status, headers, { error: { code: error.code } });
        note(exchange, { type: 'cancel refused', refusal });
        if (status !== 503) return;
      } else if (answer !== undefined) {
        note(exchange, { type: 'cancelled', status: answer.status, message: answer.data });
      }
      await wait(retryAfterMs);
    }
  }
}

function note({ facts }: Exchange, fact: NewFact): void {
  facts.push({ ...fact, at: Date.now() });
}

function messageIdOf(exchange: Exchange): string | undefined {
  const [first] = eventsOf(exchange);
  return first === undefined ? undefined : String(first.data['messageId']);
}

async function takeAnswer(exchange: Exchange, response: Response): Promise<void> {
  const body: unknown = await response.json();
  if (response.ok) {
    const { data } = body as { data: { userMessage: MessageDto; assistantMessage: MessageDto } }; // http-api.md
    note(exchange, { type: 'answered', ...data });
  } else {
    const refusal = refusalOf(response.status, response.headers, body as ErrorBody); // http-api.md
    note(exchange, { type: 'refused', refusal });
  }
}

function refusalOf(status: number, headers: Headers, { error }: ErrorBody): Refusal {
  return {
    status,
    code: error?.code ?? '',
    retryAfter: headers.get('retry-after'),
    messageId: error?.details?.['messageId'],
    userMessageId: error?.details?.['userMessageId'],
  };
}

async function* readFacts(response: Response): AsyncGenerator<NewFact, void, undefined> {
  const ready: NewFact[] = [];
  const parser = createParser({
    onEvent: ({ id = '', event = '', data }) =>
      ready.push({ type: 'event', id, event, data: JSON.parse(data) as Record<string, unknown> }),
  });
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    parser.feed(decoder.decode(bytes as Uint8Array, { stream: true }));
    yield* ready.splice(0);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
