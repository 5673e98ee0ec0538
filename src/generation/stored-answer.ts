import { DomainError } from '../common/domain-error.js';
import { errorCatalogue, type ErrorCode } from '../common/error-catalogue.js';
import { toWireId } from '../common/ids.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { Message } from '../messages/message.entity.js';
import { generatingStatuses } from '../messages/message.js';
import type { GenerationEnd } from './answer-writer.js';
import type { GenerationEvent, JournalEvent, MessageStart } from './generation-event.js';
import { LiveStream } from './live-stream.js';
import { eventsOf, numberAfter, restOf } from './stream-position.js';

/** After these the same may be asked again: failures of a moment, and an answer that was cut off. */
const retryable: ReadonlySet<ErrorCode> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_OVERLOADED',
  'PROVIDER_TIMEOUT',
  'PROVIDER_UNREACHABLE',
  'GENERATION_INTERRUPTED',
]);

export function isGenerating({ status }: Message): boolean {
  return generatingStatuses.some((generating) => generating === status);
}

export function startOf(answer: Message): MessageStart {
  return {
    type: 'message_start',
    userMessageId: answer.parentId === null ? '' : toWireId('message', answer.parentId),
    threadId: toWireId('thread', answer.threadId),
    modelId: answer.modelId,
    timestamp: answer.createdAt.toISOString(),
  };
}

/** How an answer ended that is no longer generated; what a provider said beyond its code is not kept. */
export function endOf(message: Message): GenerationEnd {
  if (message.status === 'complete') return { message, failure: undefined };
  const { errorCode } = message;
  const code = errorCode !== null && isErrorCode(errorCode) ? errorCode : 'GENERATION_INTERRUPTED';
  return { message, failure: new DomainError(code) };
}

export function lastEvent({ message, failure }: GenerationEnd): GenerationEvent {
  if (failure !== undefined || message === null) {
    const { code, message: text, cause } = failure ?? new DomainError('GENERATION_INTERRUPTED');
    // The provider itself may know better, but that is not stored.
    const mayRetry = cause instanceof ProviderError ? cause.retryable : retryable.has(code);
    return { type: 'error', code, message: text, retryable: mayRetry };
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

/** The stream of an answer that has ended, from what is stored of it: what was sent before it was finished, in other pieces. */
export function replay(answer: Message): LiveStream {
  const stream = new LiveStream();
  stream.append(startOf(answer));
  finishFrom(answer, stream);
  return stream;
}

/** Adds what a stream lacks of an answer that has ended. */
export function finishFrom(answer: Message, stream: LiveStream): void {
  appendLacking(stream, eventsOf(answer.parts), 0);
  stream.append(lastEvent(endOf(answer)));
  stream.append({ type: 'close' });
}

/** Adds those events that a stream does not have; the first of them follows the event numbered `previous`. */
export function appendLacking(stream: LiveStream, events: Iterable<JournalEvent>, previous: number): void {
  let number = previous;
  for (const event of events) {
    number = numberAfter(number, event);
    const rest = restOf({ number, event }, stream.position);
    if (rest !== undefined) stream.append(rest.event);
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
