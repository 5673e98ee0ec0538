import { Injectable } from '@nestjs/common';
import type { Caller } from '../auth/caller.js';
import { DomainError } from '../common/domain-error.js';
import { toWireId } from '../common/ids.js';
import type { Owner } from '../common/owner.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { Message } from '../messages/message.entity.js';
import { MessagesService, type Exchange } from '../messages/messages.service.js';
import { AnswerWriter, type GenerationEnd } from './answer-writer.js';
import type { GenerationEvent } from './generation-event.js';
import { GenerationPlans } from './generation-plans.js';
import { GenerationRuns, type Outcome } from './generation-run.js';
import { Journal } from './journal.js';
import { LiveStream } from './live-stream.js';
import type { ModelCall } from './model-call.js';
import { Replicas } from './replicas.js';
import { RunningGenerations } from './running-generations.js';

export interface Post {
  readonly threadId: string;
  readonly modelId: string;
  readonly content: string;
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly systemPrompt?: string | undefined;
  readonly requestId: string;
}

/** A generation that has begun: both messages are committed. */
export interface Generation {
  readonly userMessage: Message;
  readonly assistantMessage: Message;
  readonly stream: LiveStream;
  /** The end of it, once written. Never rejects. */
  readonly ended: Promise<GenerationEnd>;
}

/** The one place where a model is called for a thread. */
@Injectable()
export class GenerationService {
  constructor(
    private readonly plans: GenerationPlans,
    private readonly messages: MessagesService,
    private readonly runs: GenerationRuns,
    private readonly journal: Journal,
    private readonly writer: AnswerWriter,
    private readonly replicas: Replicas,
    private readonly running: RunningGenerations,
  ) {}

  /**
   * Commits the user's message and lets the model answer. The generation goes on whether or not anybody reads its stream.
   * @throws DomainError what `GenerationPlans.plan` throws, THREAD_NOT_FOUND, CONTEXT_LENGTH_EXCEEDED, GENERATION_IN_PROGRESS; nothing
   *   has changed then
   */
  async post(caller: Caller, post: Post): Promise<Generation> {
    const plan = await this.plans.plan(caller, post);
    let call: Pick<ModelCall, 'route' | 'requestOf'> | undefined;
    const exchange = await this.messages.beginExchange(
      caller,
      { ...post, ...plan.first, replicaId: this.replicas.own, historyBytes: plan.historyBytes },
      (history) => {
        call = plan.ask(history);
      },
    );
    if (call === undefined) throw new Error('An exchange is admitted.');
    return this.start(exchange, { ...call, requestId: post.requestId });
  }

  private start(
    { userMessage, assistantMessage }: Exchange,
    call: Pick<ModelCall, 'route' | 'requestOf' | 'requestId'>,
  ): Generation {
    const { id } = assistantMessage;
    const stream = new LiveStream();
    stream.append({
      type: 'message_start',
      userMessageId: toWireId('message', userMessage.id),
      threadId: toWireId('thread', userMessage.threadId),
      modelId: userMessage.modelId,
      timestamp: assistantMessage.createdAt.toISOString(),
    });
    const run = this.runs.prepare({
      ...call,
      onEvent: (event) => this.journal.append(id, stream.append(event), event),
    });
    const ended = run.run().then((outcome) => this.end(assistantMessage, outcome, stream));
    this.running.add({ id, stop: (reason) => run.stop(reason), ended });
    return { userMessage, assistantMessage, stream, ended };
  }

  /** The last event of a stream goes out after the end is committed: what was acknowledged is not lost. */
  private async end(message: Message, outcome: Outcome, stream: LiveStream): Promise<GenerationEnd> {
    const end = await this.writer.write(message, outcome);
    stream.append(lastEvent(end));
    stream.append({ type: 'close' });
    return end;
  }

  /**
   * Stops an answer, wherever it is generated, and keeps what has arrived.
   * @returns the message: ended if this replica generates it; else as it is now, and within a second ended by its replica
   * @throws DomainError MESSAGE_NOT_FOUND
   */
  async cancel(owner: Owner, messageId: string): Promise<Message> {
    const message = await this.messages.get(owner, messageId);
    if (message.replicaId === null) return message;
    await this.messages.requestCancel(owner, messageId);
    await this.running.stop(messageId, 'cancelled');
    return this.messages.get(owner, messageId);
  }

  /** Stops everything that is being generated in a thread, and waits for what this replica generates. */
  async cancelThread(owner: Owner, threadId: string): Promise<void> {
    for (const { id } of await this.messages.generatingIn(owner, threadId)) await this.cancel(owner, id);
  }
}

/** Whether the same post may succeed: what the provider says of its failure; and an answer that was cut off may be asked for again. */
function mayRetry({ code, cause }: DomainError): boolean {
  return cause instanceof ProviderError ? cause.retryable : code === 'GENERATION_INTERRUPTED';
}

function lastEvent({ message, failure }: GenerationEnd): GenerationEvent {
  if (failure !== undefined || message === null) {
    const error = failure ?? new DomainError('GENERATION_INTERRUPTED');
    return { type: 'error', code: error.code, message: error.message, retryable: mayRetry(error) };
  }
  const { inputTokens, outputTokens, cachedTokens } = message;
  return {
    type: 'message_complete',
    totalTokens: inputTokens === null || outputTokens === null ? null : inputTokens + outputTokens,
    usage: { inputTokens, outputTokens, cachedTokens },
    finishReason: message.finishReason ?? 'other',
    timestamp: message.updatedAt.toISOString(),
  };
}
