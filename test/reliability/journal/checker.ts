import type { MessageDto } from '../../../src/messages/dto/message.dto.js';
import { questionOf, textOf, type UpstreamCall } from '../installation/planned-upstream.js';
import { eventsOf, factOf, isForNow, readText, type Exchange } from './facts.js';

/** What is there when everything is over. */
export interface Found {
  /** Every message of every thread of the journal, by thread, oldest first, as the API tells it. */
  readonly messages: ReadonlyMap<string, readonly MessageDto[]>;
  readonly callsOf: (key: string) => readonly UpstreamCall[];
  /** When processes were killed, by replica. */
  readonly kills: readonly { readonly replica: string; readonly at: number }[];
  /** Which answer each idempotency key stands for. */
  readonly keys: ReadonlyMap<string, string>;
}

export interface Verdict {
  /** In words, each with the key of its question; of a sound system none. */
  readonly violations: string[];
  readonly byStatus: Record<string, number>;
  /** Text that the upstream had sent before an answer was stopped and nobody kept: how old its oldest piece was then, in ms. */
  readonly lostMs: number[];
}

/** Of what a replica had been sent when it was stopped, what is older than this must have been kept. */
const mayBeLostMs = 1000;
/** How long a kill may take. */
const noteMs = 1000;

/** Holds everything that was acknowledged against what is stored, and both against what the upstream said. */
export function check(journal: readonly Exchange[], found: Found): Verdict {
  const verdict: Verdict = { violations: [], byStatus: {}, lostMs: [] };
  for (const exchange of journal) {
    new ExchangeCheck(exchange, found, verdict).run();
  }
  for (const exchanges of Map.groupBy(journal, ({ threadId }) => threadId).values()) {
    checkThread(exchanges, found, verdict);
  }
  return verdict;
}

/** Messages of a thread are the questions of its journal and their answers, each the parent of the next. */
function checkThread(exchanges: readonly Exchange[], { messages }: Found, { violations }: Verdict): void {
  const asked = new Set(exchanges.map(({ plan }) => questionOf(plan)));
  let parentId: string | null = null;
  for (const message of messages.get(exchanges[0]?.threadId ?? '') ?? []) {
    if (message.parentId !== parentId) violations.push(`${message.id} does not follow the message before it`);
    if (message.role === 'user' && !asked.has(message.content)) violations.push(`nobody asked ${message.id}`);
    parentId = message.id;
  }
}

class ExchangeCheck {
  private readonly messages: readonly MessageDto[];
  private readonly calls: readonly UpstreamCall[];
  private readonly read: string;

  constructor(
    private readonly exchange: Exchange,
    private readonly found: Found,
    private readonly verdict: Verdict,
  ) {
    this.messages = found.messages.get(exchange.threadId) ?? [];
    this.calls = found.callsOf(exchange.plan.key);
    this.read = readText(exchange);
  }

  run(): void {
    this.checkRefusals();
    this.checkEvents();
    if (this.calls.length > 1) this.violated(`${this.calls.length} calls of the upstream`);
    const questions = this.messages.filter(({ content }) => content === questionOf(this.exchange.plan));
    if (questions.length > 1) this.violated(`${questions.length} user messages`);
    const [question] = questions;
    const answers = this.messages.filter(({ parentId }) => parentId === question?.id);
    if (question !== undefined && answers.length !== 1) this.violated(`${answers.length} answers`);
    const [answer] = answers;
    this.checkIds(question, answer);
    if (answer === undefined) return;
    this.verdict.byStatus[answer.status] = (this.verdict.byStatus[answer.status] ?? 0) + 1;
    this.checkText(answer);
    this.checkEnd(answer);
    this.checkCancel(answer);
  }

  private violated(what: string): void {
    this.verdict.violations.push(`${this.exchange.plan.key}: ${what}`);
  }

  /** The only refusals are those for now, which say when to come again, and failures of the answer itself. */
  private checkRefusals(): void {
    for (const fact of this.exchange.facts) {
      if (fact.type === 'gave up') this.violated('never told how it ended');
      if (fact.type !== 'refused' && fact.type !== 'cancel refused') continue;
      const { status, code, retryAfter, messageId } = fact.refusal;
      if (isForNow(fact.refusal) ? status === 503 && retryAfter === null : messageId === undefined) {
        this.violated(`${fact.type}: ${status} ${code}`);
      }
    }
  }

  /** Over all connections: one start, numbers that grow, and nothing after the end. */
  private checkEvents(): void {
    const events = eventsOf(this.exchange);
    const types = events.map(({ event }) => event);
    if (types.filter((type) => type === 'message_start').length > 1) this.violated('it started twice');
    if (types.lastIndexOf('message_start') > 0) this.violated('it started late');
    const numbers = events.map(({ id }) => Number(id.split(':')[1]));
    if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
      this.violated('an event was repeated, or out of order');
    }
    const end = types.findIndex((type) => type === 'message_complete' || type === 'error');
    if (types.includes('close') && (end === -1 || types.length !== end + 2)) this.violated('a wrong end');
  }

  /** What was acknowledged is there, and is the same each time it was told. */
  private checkIds(question: MessageDto | undefined, answer: MessageDto | undefined): void {
    const told: (readonly [userMessageId: unknown, messageId: unknown])[] = [];
    for (const fact of this.exchange.facts) {
      if (fact.type === 'event' && fact.event === 'message_start') {
        told.push([fact.data['userMessageId'], fact.data['messageId']]);
      } else if (fact.type === 'answered') {
        told.push([fact.userMessage.id, fact.assistantMessage.id]);
      } else if (fact.type === 'refused' && fact.refusal.messageId !== undefined) {
        told.push([fact.refusal.userMessageId, fact.refusal.messageId]);
      }
    }
    for (const [userMessageId, messageId] of told) {
      if (userMessageId !== question?.id) this.violated('the acknowledged user message is not there');
      if (messageId !== answer?.id) this.violated('the acknowledged answer is not there');
    }
    if (answer !== undefined && this.found.keys.get(this.exchange.plan.key) !== answer.id) {
      this.violated('its idempotency key does not stand for its answer');
    }
  }

  /** What was read, and what is stored, are the beginning of what was sent; and only a killed replica may lose some of it. */
  private checkText({ content, status }: MessageDto): void {
    const { key, chunks, ending } = this.exchange.plan;
    const whole = textOf(key, chunks);
    if (!whole.startsWith(content)) this.violated('what is stored has a gap, or a repeat');
    if (!whole.startsWith(this.read)) this.violated('what was read has a gap, or a repeat');
    const [call] = this.calls;
    const killedAt = this.killedAt(call);
    if (!content.startsWith(this.read) && killedAt === undefined)
      this.violated('more was read than is stored');
    if (status === 'complete') {
      if (content !== whole || ending !== 'complete') this.violated('it is complete, but not whole');
    } else if (call?.isWhole === true && killedAt === undefined && status !== 'cancelled') {
      this.violated(`it was sent whole, but is ${status}`);
    }
    if (status === 'interrupted' || status === 'error') this.checkLoss(content, call, killedAt);
  }

  private checkLoss(content: string, call: UpstreamCall | undefined, killedAt: number | undefined): void {
    if (call === undefined) return;
    const { key, ending } = this.exchange.plan;
    // Who stops an answer has not heard what was still on its way, and a reset may overtake it; the end of a stream does not.
    const endedAt = killedAt ?? (ending === 'break' ? undefined : call.closedAt);
    const lost = call.sentAt.filter((at, index) => {
      return at <= (endedAt ?? Infinity) && textOf(key, index + 1).length > content.length;
    });
    const [oldest] = lost;
    if (oldest === undefined) return;
    if (endedAt === undefined) {
      this.violated(`${lost.length} pieces are lost, and nobody was stopped`);
      return;
    }
    this.verdict.lostMs.push(endedAt - oldest);
    if (endedAt - oldest > mayBeLostMs) this.violated(`${endedAt - oldest} ms of text are lost`);
  }

  /** When the replica of a call was killed, if that is what ended it, or what kept its end from being written. */
  private killedAt(call: UpstreamCall | undefined): number | undefined {
    if (call === undefined) return undefined;
    const { begunAt, closedAt, replica } = call;
    const overAt = closedAt ?? this.exchange.facts.at(-1)?.at ?? Infinity;
    // It is noted before the signal, and what comes meanwhile is answered by the process that ends.
    const kills = this.found.kills.filter(({ at }) => at >= begunAt - noteMs && at <= overAt);
    return kills.find((kill) => kill.replica === replica)?.at;
  }

  /** A client is told what is stored. */
  private checkEnd(answer: MessageDto): void {
    if (answer.status === 'pending' || answer.status === 'streaming')
      this.violated(`it is still ${answer.status}`);
    const events = eventsOf(this.exchange);
    const isComplete = answer.status === 'complete';
    const end = events.find(({ event }) => event === 'message_complete' || event === 'error');
    if (end !== undefined && (end.event === 'message_complete') !== isComplete) {
      this.violated(`told ${end.event}, but it is ${answer.status}`);
    }
    if (end?.event === 'error' && end.data['code'] !== answer.errorCode) this.violated('told another error');
    const killed = this.killedAt(this.calls[0]) !== undefined;
    if (end !== undefined && this.read !== answer.content && !killed) this.violated('read another text');
    if (isComplete && end !== undefined && this.read !== answer.content)
      this.violated('the whole was not read');
    const answered = factOf(this.exchange, 'answered');
    if (answered !== undefined && JSON.stringify(answered.assistantMessage) !== JSON.stringify(answer)) {
      this.violated('another answer was told than is stored');
    }
    const refused = this.exchange.facts.at(-1);
    if (refused?.type === 'refused' && refused.refusal.code !== answer.errorCode)
      this.violated('told another code');
  }

  private checkCancel({ status, content }: MessageDto): void {
    const cancelled = factOf(this.exchange, 'cancelled');
    if (cancelled === undefined) {
      if (status === 'cancelled') this.violated('nobody stopped it');
      return;
    }
    const { message } = cancelled;
    const wasOver = message.status !== 'pending' && message.status !== 'streaming';
    if (wasOver && (message.status !== status || message.content !== content)) {
      this.violated('the stopped answer changed');
    }
  }
}
