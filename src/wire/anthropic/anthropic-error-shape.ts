import type { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import type { ErrorShape } from '../../infrastructure/http/error-shapes.js';
import { retryHeaders } from '../worth-retrying.js';

/** https://platform.claude.com/docs/en/api/errors#error-shapes */
interface AnthropicError {
  readonly type: 'error';
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id: string;
}

/** Where Anthropic has another status for it. Its vendor's refusal of what a program asks is the program's to mend. */
const statusByCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  PROVIDER_REQUEST_REFUSED: 400,
  PROVIDER_OVERLOADED: 529,
};

/** https://platform.claude.com/docs/en/api/errors#http-errors */
const typeByStatus: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'invalid_request_error',
  413: 'request_too_large',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Fields of the provider contract, as a request calls them. */
const fieldNames: Readonly<Record<string, string>> = {
  systemPrompt: 'system',
  maxOutputTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  stop: 'stop_sequences',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
  responseFormat: 'output_config.format',
  reasoning: 'thinking',
  'reasoning.effort': 'output_config.effort',
  'reasoning.budgetTokens': 'thinking.budget_tokens',
  user: 'metadata.user_id',
  serviceTier: 'service_tier',
  'messages.parts.source': 'messages.content.source',
  'messages.parts.output': 'messages.content.content',
  'messages.parts.callId': 'messages.content.tool_use_id',
};

/** A request that is well formed and cannot be done is an invalid one there. */
function statusOf({ code, status }: DomainError): number {
  return statusByCode[code] ?? (status === 422 ? 400 : status);
}

export function toAnthropicError(error: DomainError, requestId: string): AnthropicError {
  return {
    type: 'error',
    error: { type: typeByStatus[statusOf(error)] ?? 'api_error', message: messageOf(error) },
    request_id: requestId,
  };
}

/** There is no place for the field but the message; items of lists are named as Anthropic does: `messages.0.content`. */
function messageOf({ message, param }: DomainError): string {
  const known = param !== undefined && Object.hasOwn(fieldNames, param);
  const field = known ? fieldNames[param] : param;
  const isNamed = field === undefined || message.includes(`'${field}'`);
  return (isNamed ? message : `'${field}': ${message}`).replace(/\[(\d+)\]/g, '.$1');
}

/** `{ "type": "error", "error": { type, message }, "request_id" }`, for every path under /v1/messages. */
export const anthropicErrorShape: ErrorShape = {
  isFor: (path) => /^\/v1\/messages(?:\/|$)/i.test(path),
  render: (error, requestId) => ({
    status: statusOf(error),
    headers: { ...retryHeaders(error), 'request-id': requestId },
    body: toAnthropicError(error, requestId),
  }),
};
