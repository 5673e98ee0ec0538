import { DomainError } from '../common/domain-error.js';
import { isModelId } from '../infrastructure/http/model-id.pipe.js';
import { isRecord } from '../llm-providers/json-shape.js';
import { invalid, RequestFields } from './request-fields.js';

/** The most of anything that a request may ask for; its bytes and its depth are limited before it is read (docs/compatible-apis.md). */
export const requestCaps = {
  messages: 10_000,
  tools: 256,
  n: 16,
  stop: 64,
  /** Texts of one request for embeddings, as at OpenAI. */
  inputs: 2048,
} as const;

/** What is looked at of every request, passed on or not. */
export interface RequestHead {
  readonly body: Readonly<Record<string, unknown>>;
  readonly model: string;
  readonly streams: boolean;
  /** The program wants the usage at the end of a stream. */
  readonly includesUsage: boolean;
  /** Of all answers together; undefined where the request does not say. */
  readonly maxOutputTokens: number | undefined;
}

/** @throws DomainError INVALID_BODY, VALIDATION_FAILED, MODEL_NOT_FOUND */
export function readHead(body: unknown): RequestHead {
  if (!isRecord(body)) throw new DomainError('INVALID_BODY');
  const fields = new RequestFields(body);
  const model = fields.requiredText('model');
  if (!isModelId(model)) throw new DomainError('MODEL_NOT_FOUND');
  const counts = ['n', 'best_of'].map((name) => fields.integer(name, { minimum: 1, maximum: requestCaps.n }));
  const limits = ['max_completion_tokens', 'max_tokens']
    .map((name) => fields.integer(name, { minimum: 1 }))
    .filter((limit) => limit !== undefined);
  refuseTooMany(fields, 'messages', requestCaps.messages);
  refuseTooMany(fields, 'tools', requestCaps.tools);
  refuseTooMany(fields, 'functions', requestCaps.tools);
  if (Array.isArray(body['stop'])) refuseTooMany(fields, 'stop', requestCaps.stop);
  return {
    body,
    model,
    streams: fields.flag('stream') ?? false,
    includesUsage: fields.object('stream_options')?.flag('include_usage') ?? false,
    maxOutputTokens:
      limits.length === 0 ? undefined : Math.max(...limits) * Math.max(...counts.map((count) => count ?? 1)),
  };
}

export function refuseTooMany(fields: RequestFields, name: string, most: number): void {
  if ((fields.list(name) ?? []).length > most) throw invalid(name, `a list of at most ${most}`);
}
