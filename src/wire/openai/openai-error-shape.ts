import type { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import type { ErrorShape } from '../../infrastructure/http/error-shapes.js';
import { retryHeaders } from '../worth-retrying.js';

/** OpenAI's words for an error: https://platform.openai.com/docs/guides/error-codes */
interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

interface Words {
  readonly status?: number;
  readonly type?: string;
  readonly code: string;
  readonly param?: string;
}

const badKey: Words = { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' };

/** Where OpenAI has words of its own; other codes are told in ours, in lower case. */
const wordsByCode: Readonly<Partial<Record<ErrorCode, Words>>> = {
  NOT_AUTHENTICATED: badKey,
  TOKEN_REVOKED: badKey,
  TOKEN_EXPIRED: badKey,
  SESSION_ENDED: badKey,
  MODEL_NOT_FOUND: {
    status: 404,
    type: 'invalid_request_error',
    code: 'model_not_found',
    param: 'model',
  },
  RATE_LIMITED: { code: 'rate_limit_exceeded' },
  PROVIDER_RATE_LIMITED: { code: 'rate_limit_exceeded' },
  BUDGET_EXHAUSTED: { type: 'insufficient_quota', code: 'insufficient_quota' },
  CONTEXT_LENGTH_EXCEEDED: { status: 400, code: 'context_length_exceeded', param: 'messages' },
  NOT_FOUND: { type: 'invalid_request_error', code: 'unknown_url' },
  VALIDATION_FAILED: { code: 'invalid_value' },
  // What the caller said, and its vendor would not have: theirs to mend.
  PROVIDER_REQUEST_REFUSED: { status: 400, type: 'invalid_request_error', code: 'invalid_value' },
  CONTENT_FILTERED: { status: 400, type: 'invalid_request_error', code: 'content_filter' },
  MODEL_CANNOT_CHAT: { status: 400, code: 'unsupported_model', param: 'model' },
  MODEL_CANNOT_EMBED: { status: 400, code: 'unsupported_model', param: 'model' },
  MODEL_NOT_GRANTED: { code: 'model_not_granted', param: 'model' },
};

const typeByType: Readonly<Record<DomainError['type'], string>> = {
  validation_error: 'invalid_request_error',
  authentication_error: 'invalid_request_error',
  permission_error: 'invalid_request_error',
  not_found_error: 'invalid_request_error',
  conflict_error: 'invalid_request_error',
  rate_limit_error: 'rate_limit_error',
  provider_error: 'server_error',
  server_error: 'server_error',
};

/** Fields of the provider contract, as the request calls them. */
const fieldNames: Readonly<Record<string, string>> = {
  maxOutputTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  logitBias: 'logit_bias',
  topLogprobs: 'logprobs',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  responseFormat: 'response_format',
  reasoning: 'reasoning_effort',
  'reasoning.effort': 'reasoning_effort',
  serviceTier: 'service_tier',
  'reasoning.budgetTokens': 'reasoning_effort',
  'messages.parts.source': 'messages.content.image_url.url',
  'messages.parts.detail': 'messages.content.image_url.detail',
  'messages.parts.output': 'messages.content',
  'tools.strict': 'tools.function.strict',
};

/** Of what no contract knows the name is the request's own. */
function fieldOf(param: string): string {
  return Object.hasOwn(fieldNames, param) ? String(fieldNames[param]) : param.replace(/^extra\./, '');
}

export function toOpenAiError(error: DomainError): OpenAiError {
  const words = wordsByCode[error.code];
  const param = error.param === undefined ? undefined : fieldOf(error.param);
  return {
    message: error.message,
    type: words?.type ?? typeByType[error.type],
    param: param ?? words?.param ?? null,
    code: words?.code ?? error.code.toLowerCase(),
  };
}

/** `{ "error": { message, type, param, code } }`, for every path under /v1. */
export const openAiErrorShape: ErrorShape = {
  isFor: (path) => /^\/v1(?:\/|$)/i.test(path),
  render: (error) => ({
    status: wordsByCode[error.code]?.status ?? error.status,
    headers: retryHeaders(error),
    body: { error: toOpenAiError(error) },
  }),
};
