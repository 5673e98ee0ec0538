import type { EventSourceMessage } from 'eventsource-parser';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { AnswerDecoder } from './answer-decoder.js';
import { ChatCompletionDecoder, isLastOfChatCompletion } from './chat-completion-decoder.js';
import { toChatCompletionParams } from './chat-completion-request.js';
import { chatOnlyField, hasChatExtras } from './chat-only.js';
import type { OpenAiOptions } from './connection-options.js';
import type { Operation } from './endpoint.js';
import type { OpenAiKind } from './openai-kind.js';
import { isLastOfResponse, ResponsesDecoder } from './responses-decoder.js';
import { isReasoningModel, toResponseParams } from './responses-request.js';

/** One of the two ways in which OpenAI's words can be spoken. */
interface OpenAiApi {
  readonly operation: Operation;
  /** @throws ProviderError unsupported */
  toBody(request: GenerateRequest, kind: OpenAiKind, options: OpenAiOptions): object;
  readonly isLast: (message: EventSourceMessage) => boolean;
  makeDecoder(requestId: string | undefined): AnswerDecoder;
}

const apis: Readonly<Record<NonNullable<OpenAiOptions['api']>, OpenAiApi>> = {
  responses: {
    operation: '/responses',
    toBody: toResponseParams,
    isLast: isLastOfResponse,
    makeDecoder: (requestId) => new ResponsesDecoder(requestId),
  },
  chat: {
    operation: '/chat/completions',
    toBody: toChatCompletionParams,
    isLast: isLastOfChatCompletion,
    makeDecoder: (requestId) => new ChatCompletionDecoder(requestId),
  },
};

/**
 * The API that the connection names. Otherwise OpenAI's own is Responses, unless the request asks for what only chat completions do and
 * the model does not reason: those that do refuse most of it there too. All others speak chat completions: docs/decisions/2026-11-21-openai-adapter.md.
 */
export function apiFor(request: GenerateRequest, kind: OpenAiKind, options: OpenAiOptions): OpenAiApi {
  if (options.api !== undefined) return apis[options.api];
  if (kind !== 'openai') return apis.chat;
  const asksForChat = chatOnlyField(request) !== undefined || hasChatExtras(request);
  return asksForChat && !isReasoningModel(request.model, kind) ? apis.chat : apis.responses;
}
