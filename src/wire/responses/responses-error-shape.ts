import type { DomainError } from '../../common/domain-error.js';
import type { ErrorShape } from '../../infrastructure/http/error-shapes.js';
import { openAiErrorShape, toOpenAiError } from '../openai/openai-error-shape.js';

/** Fields of the provider contract where this API calls them otherwise than chat completions do. */
const fieldNames: Readonly<Partial<Record<string, string>>> = {
  maxOutputTokens: 'max_output_tokens',
  topLogprobs: 'top_logprobs',
  responseFormat: 'text.format',
  reasoning: 'reasoning',
  'reasoning.effort': 'reasoning.effort',
  'reasoning.budgetTokens': 'reasoning.effort',
  'extra.verbosity': 'text.verbosity',
  messages: 'input',
  'messages.parts.source': 'input.content.image_url',
  'messages.parts.detail': 'input.content.detail',
  'messages.parts.output': 'input.output',
  'tools.strict': 'tools.strict',
};

/** What OpenAI says in the words of chat completions, in those of responses. */
export function toResponsesError(error: DomainError): ReturnType<typeof toOpenAiError> {
  const words = toOpenAiError(error);
  const param = fieldNames[error.param ?? words.param ?? ''] ?? words.param;
  return { ...words, param };
}

/** For every path under /v1/responses. */
export const responsesErrorShape: ErrorShape = {
  isFor: (path) => /^\/v1\/responses(?:\/|$)/i.test(path),
  render: (error, requestId) => ({
    ...openAiErrorShape.render(error, requestId),
    body: { error: toResponsesError(error) },
  }),
};
