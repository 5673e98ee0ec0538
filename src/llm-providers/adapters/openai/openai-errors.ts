import { APIConnectionTimeoutError, APIError } from 'openai';
import { ProviderError, type ProviderErrorCode } from '../../contract/provider-error.js';
import { isRecord, UnexpectedShapeError } from '../../json-shape.js';
import { retryAfterMs } from '../../retry-after.js';
import {
  brokenConnection,
  failure,
  missingTerminator,
  presentableRequestId,
  transportFailure,
  type FailureContext,
} from '../../transport-failure.js';

interface Verdict {
  readonly code: ProviderErrorCode;
  readonly retryable?: boolean;
}

/**
 * What the `code` or `type` of an error object says more exactly than the status.
 * OpenAI: https://platform.openai.com/docs/guides/error-codes and, inside a stream,
 * https://platform.openai.com/docs/api-reference/responses/object#responses/object-error
 * Azure's content_filter: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
 * llama-server's types: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-common.cpp
 */
const verdictByWord: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  ['context_length_exceeded', { code: 'context_length' }],
  ['exceed_context_size_error', { code: 'context_length' }],
  ['content_filter', { code: 'content_filter' }],
  ['ResponsibleAIPolicyViolation', { code: 'content_filter' }],
  ['content_policy_violation', { code: 'content_filter' }],
  ['image_content_policy_violation', { code: 'content_filter' }],
  ['bio_policy', { code: 'content_filter' }],
  ['misalignment_policy_violation', { code: 'content_filter' }],
  // What OpenAI says of a prompt that it takes for a violation of its policies.
  ['invalid_prompt', { code: 'content_filter' }],
  // Nothing but a payment helps, so there is no point in trying again.
  ['insufficient_quota', { code: 'rate_limit', retryable: false }],
  ['billing_not_active', { code: 'rate_limit', retryable: false }],
  ['billing_hard_limit_reached', { code: 'rate_limit', retryable: false }],
  ['rate_limit_exceeded', { code: 'rate_limit' }],
  ['invalid_api_key', { code: 'authentication' }],
  ['model_not_found', { code: 'not_found' }],
  ['slow_down', { code: 'overloaded' }],
  ['unavailable_error', { code: 'overloaded' }],
]);

/** Broader words: they count only where there is no status, inside a stream. */
const verdictByBroadWord: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  ['invalid_request_error', { code: 'invalid_request' }],
  ['authentication_error', { code: 'authentication' }],
  ['permission_error', { code: 'permission' }],
  ['not_found_error', { code: 'not_found' }],
  ['rate_limit_error', { code: 'rate_limit' }],
  ['server_error', { code: 'unknown', retryable: true }],
  ['vector_store_timeout', { code: 'timeout' }],
  ...[
    'data_residency_mismatch',
    'empty_image_file',
    'failed_to_download_image',
    'image_file_not_found',
    'image_file_too_large',
    'image_parse_error',
    'image_too_large',
    'image_too_small',
    'invalid_base64_image',
    'invalid_image',
    'invalid_image_format',
    'invalid_image_mode',
    'invalid_image_url',
    'unsupported_image_media_type',
  ].map((word) => [word, { code: 'invalid_request' }] as const),
]);

const verdictByStatus: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  [401, { code: 'authentication' }],
  // OpenRouter and DeepSeek: no credit left.
  [402, { code: 'rate_limit', retryable: false }],
  [403, { code: 'permission' }],
  [404, { code: 'not_found' }],
  [408, { code: 'timeout' }],
  [429, { code: 'rate_limit' }],
  [503, { code: 'overloaded' }],
  [504, { code: 'timeout' }],
  [529, { code: 'overloaded' }],
]);

/** The vendor reports an error inside a stream, after the status said 200. Its text stays here. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError';

  /** @param reported the error object, as the vendor sent it */
  constructor(readonly reported: unknown) {
    super('The vendor reported an error in the stream.');
  }
}

/** The vendor says that the stream is over, but not how the answer ended. */
export class UnfinishedError extends Error {
  override readonly name = 'UnfinishedError';
}

/** Whatever went wrong between us and the vendor, as a ProviderError: by status and structured code, never by text. */
export function toProviderError(error: unknown, context: FailureContext): ProviderError {
  if (error instanceof ProviderError) return error;
  if (error instanceof ReportedError) return errorInStream(error.reported, context);
  if (error instanceof UnfinishedError) return missingTerminator(context);
  const { provider } = context;
  if (isRefusal(error)) {
    const { status, headers, error: body } = error;
    return new ProviderError({
      provider,
      ...verdictOf(status, body),
      status,
      param: context.isForwarded === true ? fieldOf(body) : undefined,
      retryAfterMs: retryAfterMs(headers, context.nowMs),
      requestId: requestIdOf(headers),
      cause: error,
    });
  }
  if (error instanceof UnexpectedShapeError || error instanceof SyntaxError) {
    return failure('invalid_response', error, context);
  }
  return transportFailure(error, context) ?? sdkFailure(error, context);
}

/** The path of a field, such as `messages[0].content`; nothing else that a vendor may write there. */
const fieldPath = /^[a-zA-Z_]\w*(?:\.?\[\d+\]|\.\w+){0,16}$/;

function fieldOf(error: unknown): string | undefined {
  const param = isRecord(error) ? error['param'] : undefined;
  return typeof param === 'string' && param.length <= 100 && fieldPath.test(param) ? param : undefined;
}

/** What the SDK makes of a failure that neither Node nor undici gave a code. */
function sdkFailure(error: unknown, context: FailureContext): ProviderError {
  if (error instanceof APIConnectionTimeoutError) return failure('timeout', error, context);
  return error instanceof APIError ? brokenConnection(error, context) : failure('unknown', error, context);
}

/** The vendor's id of a request; Azure's gateway has one of its own. */
export function requestIdOf(headers: Headers): string | undefined {
  return presentableRequestId(headers.get('x-request-id') ?? headers.get('apim-request-id'));
}

/** The code of an error that came inside a stream may be the real status. */
function errorInStream(error: unknown, context: FailureContext): ProviderError {
  const { provider, requestId } = context;
  const code = isRecord(error) ? error['code'] : undefined;
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : undefined;
  return new ProviderError({ provider, ...verdictOf(status, error), status, requestId });
}

function isRefusal(error: unknown): error is APIError<number, Headers> {
  return error instanceof APIError && typeof error.status === 'number';
}

function verdictOf(status: number | undefined, error: unknown): Verdict {
  const words = wordsOf(error);
  return (
    firstVerdict(verdictByWord, words) ??
    (status === undefined ? firstVerdict(verdictByBroadWord, words) : verdictOfStatus(status)) ?? {
      code: 'unknown',
    }
  );
}

/** The most exact word first. Azure says in an inner error what its own code may not. */
function wordsOf(error: unknown): readonly unknown[] {
  if (!isRecord(error)) return [];
  const inner = error['innererror'];
  return [error['code'], error['type'], isRecord(inner) ? inner['code'] : undefined];
}

function firstVerdict(
  verdicts: ReadonlyMap<unknown, Verdict>,
  words: readonly unknown[],
): Verdict | undefined {
  return words.map((word) => verdicts.get(word)).find((verdict) => verdict !== undefined);
}

function verdictOfStatus(status: number): Verdict {
  const verdict = verdictByStatus.get(status);
  if (verdict !== undefined) return verdict;
  if (status >= 500) return { code: 'unknown', retryable: true };
  if (status >= 400) return { code: 'invalid_request' };
  return { code: 'invalid_response' };
}
