import type { DomainError } from '../../common/domain-error.js';
import type { GenerateResult } from '../../llm-providers/contract/collect.js';
import type { FinishReason, GenerateEvent, TokenUsage } from '../../llm-providers/contract/generate-event.js';
import { present } from '../../llm-providers/present.js';
import type { StreamEncoder } from '../program-answer.js';
import type { ProgramRequest } from '../program-calls.service.js';
import { dataEvent, terminator, toUsage, type AnswerFrame } from './chat-words.js';
import { sampling } from './chat-request.js';
import { toOpenAiError } from './openai-error-shape.js';
import { invalid, RequestFields, unsupported } from '../request-fields.js';

/**
 * A legacy completion for models that chat, its prompt a message: https://platform.openai.com/docs/api-reference/completions/create
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER
 */
export function toCompletionRequest(body: Readonly<Record<string, unknown>>): ProgramRequest {
  const fields = new RequestFields(body);
  for (const name of ['model', 'stream', 'stream_options']) fields.value(name);
  const request = {
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: promptOf(fields) }] }],
    ...sampling(fields),
    maxOutputTokens: fields.number('max_tokens'),
  };
  for (const name of ['n', 'best_of'] as const) {
    if ((fields.number(name) ?? 1) !== 1) throw unsupported(name);
  }
  if (fields.flag('echo') === true) throw unsupported('echo');
  if ((fields.text('suffix') ?? '') !== '') throw unsupported('suffix');
  const extra = fields.rest();
  return present({ ...request, extra: Object.keys(extra).length === 0 ? undefined : extra });
}

function promptOf(fields: RequestFields): string {
  const prompt = fields.value('prompt');
  const texts: readonly unknown[] = Array.isArray(prompt) ? prompt : [prompt];
  const [text] = texts;
  if (texts.length === 1 && typeof text === 'string') return text;
  if (texts.length > 1 && texts.every((one) => typeof one === 'string')) throw unsupported('prompt');
  throw invalid('prompt', 'a string');
}

function completion(frame: AnswerFrame, text: string, reason: FinishReason | null): object {
  const finishReason = reason === 'other' || reason === 'tool_calls' ? 'stop' : reason;
  return {
    ...frame,
    object: 'text_completion',
    choices: [{ text, index: 0, logprobs: null, finish_reason: finishReason }],
  };
}

/** A whole answer: https://platform.openai.com/docs/api-reference/completions/object */
export function toTextCompletion(frame: AnswerFrame, { text, reason, usage, model }: GenerateResult): object {
  return {
    ...completion({ ...frame, model: model ?? frame.model }, text, reason),
    ...(usage === undefined ? {} : { usage: toUsage(usage) }),
  };
}

/** Says an answer in the same words, piece by piece: what it reasons has no place in them. */
export class TextCompletionEncoder implements StreamEncoder {
  private model: string;

  constructor(
    private readonly frame: AnswerFrame,
    private readonly includesUsage: boolean,
  ) {
    this.model = frame.model;
  }

  encode(event: GenerateEvent): string {
    switch (event.type) {
      case 'start':
        this.model = event.model ?? this.model;
        return '';
      case 'text':
        return this.chunk(event.text, null);
      case 'finish':
        return this.chunk('', event.reason) + this.used(event.usage) + terminator;
      default:
        return '';
    }
  }

  fail(error: DomainError): string {
    return dataEvent({ error: toOpenAiError(error) });
  }

  private chunk(text: string, reason: FinishReason | null): string {
    const usage = this.includesUsage ? { usage: null } : {};
    return dataEvent({ ...completion({ ...this.frame, model: this.model }, text, reason), ...usage });
  }

  private used(usage: TokenUsage | undefined): string {
    if (!this.includesUsage || usage === undefined) return '';
    const { frame, model } = this;
    return dataEvent({ ...frame, model, object: 'text_completion', choices: [], usage: toUsage(usage) });
  }
}
