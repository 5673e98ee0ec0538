import type { FinishReason, GenerateEvent, StartEvent, TokenLogprob } from '../../contract/generate-event.js';
import { ProviderError } from '../../contract/provider-error.js';
import { type JsonObject, UnexpectedShapeError, isRecord } from '../../json-shape.js';
import { presentableRequestId } from '../../transport-failure.js';
import { toLogprobs } from './logprobs.js';
import { UsageCounter } from './usage-counter.js';

/** More may be had with the token that comes with it: https://ai.google.dev/gemini-api/docs/generate-content/long-decode */
const continuation = 'CONTINUATION';

/** https://ai.google.dev/api/generate-content#FinishReason */
const finishReasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  [continuation, 'length'],
  ['SAFETY', 'content_filter'],
  ['RECITATION', 'content_filter'],
  ['BLOCKLIST', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'],
  ['SPII', 'content_filter'],
  ['IMAGE_SAFETY', 'content_filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
  ['IMAGE_RECITATION', 'content_filter'],
]);

/** The model wrote what the vendor could not read as an answer. It may do better the next time. */
const malformed: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'MALFORMED_RESPONSE',
  'UNEXPECTED_TOOL_CALL',
]);

/** What a part may be beside text and calls. We ask for none of it, and it is not for us. https://ai.google.dev/api/caching#Part */
const otherKinds = [
  'inlineData',
  'fileData',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
] as const;

type Events = Generator<GenerateEvent, void, undefined>;

/**
 * Turns the chunks of one answer into our events; a long answer may take several requests. Unknown fields and kinds of part are ignored,
 * known ones of a wrong shape throw UnexpectedShapeError. https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
 */
export class GenerateContentDecoder {
  private started = false;
  private model: string | undefined;
  private responseId: string | undefined;
  private callCount = 0;
  private readonly usage = new UsageCounter();
  private finishReason: string | undefined;
  private token: string | undefined;
  private lastToken: string | undefined;

  /** @param ourRequestId makes ids for calls when the vendor gives neither them nor the answer one */
  constructor(private readonly ourRequestId: string) {}

  /** Whether any event came out. */
  get outputBegan(): boolean {
    return this.started;
  }

  /** The vendor's id of this answer. */
  get requestId(): string | undefined {
    return this.responseId;
  }

  /** Whether the vendor has said why the answer to this request ended. */
  get isOver(): boolean {
    return this.finishReason !== undefined;
  }

  /**
   * The events of one chunk that is not an error.
   * @throws ProviderError content_filter when the prompt was blocked, invalid_response when the vendor could not read what the model wrote
   */
  *decode(chunk: JsonObject): Events {
    this.model ??= chunk.text('modelVersion');
    this.responseId ??= presentableRequestId(chunk.text('responseId'));
    const blocked = chunk.object('promptFeedback')?.text('blockReason');
    if (blocked !== undefined) throw this.error('content_filter');
    this.usage.count(chunk.object('usageMetadata'));
    // One answer is asked for, so there is one candidate.
    const candidate = chunk.objects('candidates')?.at(0);
    if (candidate === undefined) return;
    for (const event of this.output(candidate)) {
      yield* this.startOnce();
      yield event;
    }
    this.end(candidate);
  }

  /** What to ask for the rest of the answer with, when there is more; what is decoded from here on is the answer to that. */
  nextRequest(): string | undefined {
    const { token, lastToken } = this;
    // The same token again would bring the same again.
    if (this.finishReason !== continuation || token === undefined || token === lastToken) return undefined;
    this.lastToken = token;
    this.token = undefined;
    this.finishReason = undefined;
    this.usage.nextRequest();
    return token;
  }

  /** The last events, when the answer is over. */
  finish(): readonly GenerateEvent[] {
    const rawReason = this.finishReason ?? '';
    const called = rawReason === 'STOP' && this.callCount > 0;
    const usage = this.usage.total();
    return [
      ...this.startOnce(),
      {
        type: 'finish',
        reason: called ? 'tool_calls' : (finishReasons.get(rawReason) ?? 'other'),
        rawReason,
        ...(usage === undefined ? {} : { usage }),
      },
    ];
  }

  private startOnce(): readonly StartEvent[] {
    if (this.started) return [];
    this.started = true;
    return [
      {
        type: 'start',
        ...(this.model === undefined ? {} : { model: this.model }),
        ...(this.responseId === undefined ? {} : { requestId: this.responseId }),
      },
    ];
  }

  private end(candidate: JsonObject): void {
    this.finishReason = candidate.text('finishReason') ?? this.finishReason;
    this.token = candidate.text('continuationToken') ?? this.token;
    if (malformed.has(this.finishReason ?? '')) throw this.error('invalid_response', true);
  }

  private *output(candidate: JsonObject): Events {
    const logprobs = candidate.object('logprobsResult');
    let untold = logprobs && toLogprobs(logprobs);
    for (const part of candidate.object('content')?.objects('parts') ?? []) {
      for (const event of this.part(part)) {
        yield event.type === 'text' ? { ...event, ...logprobsField(untold) } : event;
        // They are of the whole chunk, which normally has one text.
        if (event.type === 'text') untold = undefined;
      }
    }
  }

  private *part(part: JsonObject): Events {
    const signature = part.text('thoughtSignature');
    const call = part.object('functionCall');
    const signed = signature === undefined ? {} : { signature };
    if (call !== undefined) return yield* this.functionCall(call, signed);
    if (otherKinds.some((kind) => part.value(kind) !== undefined)) return;
    const text = part.text('text') ?? '';
    if (part.value('thought') === true) {
      if (text !== '' || signature !== undefined) yield { type: 'reasoning', text, ...signed };
      return;
    }
    if (text !== '') yield { type: 'text', text };
    // That of a text closes it, as the vendor does itself when it streams: in a part without text after it.
    if (signature !== undefined) yield { type: 'reasoning', text: '', signature };
  }

  /** A call comes whole. https://ai.google.dev/api/caching#FunctionCall */
  private *functionCall(call: JsonObject, signed: { readonly signature?: string }): Events {
    const name = call.requiredText('name');
    const args = call.value('args') ?? {};
    if (!isRecord(args)) throw new UnexpectedShapeError('functionCall.args', 'an object');
    const id = call.text('id') ?? this.ownCallId();
    this.callCount += 1;
    yield { type: 'tool-call-start', id, name, ...signed };
    yield { type: 'tool-call-delta', id, input: JSON.stringify(args) };
    yield { type: 'tool-call-end', id };
  }

  /** Older models give calls no id. This one is the same however the bytes come, and another one in every answer. */
  private ownCallId(): string {
    const answer = this.responseId ?? this.ourRequestId;
    return `call_${answer.replace(/[^\w-]/g, '_')}_${this.callCount}`;
  }

  private error(code: 'content_filter' | 'invalid_response', retryable = false): ProviderError {
    return new ProviderError({ provider: 'google', code, retryable, requestId: this.responseId });
  }
}

function logprobsField(logprobs: readonly TokenLogprob[] | undefined): {
  logprobs?: readonly TokenLogprob[];
} {
  return logprobs === undefined ? {} : { logprobs };
}
