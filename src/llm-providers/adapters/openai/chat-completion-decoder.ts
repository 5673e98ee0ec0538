import type { EventSourceMessage } from 'eventsource-parser';
import type {
  FinishReason,
  GenerateEvent,
  StartEvent,
  TextEvent,
  TokenUsage,
} from '../../contract/generate-event.js';
import { JsonObject } from '../../json-shape.js';
import { present } from '../../present.js';
import type { AnswerDecoder } from './answer-decoder.js';
import { toChatUsage } from './chat-usage.js';
import { toTokenLogprob } from './logprobs.js';
import { ReportedError, UnfinishedError } from './openai-errors.js';

const terminator = '[DONE]';

/** Where servers put reasoning: vLLM since 0.9 and OpenRouter `reasoning`; DeepSeek and older vLLM `reasoning_content`. */
const reasoningFields = ['reasoning_content', 'reasoning'] as const;

const finishReasons: ReadonlySet<string> = new Set<FinishReason>([
  'stop',
  'length',
  'tool_calls',
  'content_filter',
]);

const chunkKind = 'chat.completion.chunk';

/** Whether this message is the vendor's last. */
export function isLastOfChatCompletion({ data }: EventSourceMessage): boolean {
  return data === terminator;
}

/**
 * Turns the chunks of one chat completion into our events. Unknown fields and kinds of chunk are ignored, known
 * fields of a wrong type throw UnexpectedShapeError.
 * https://platform.openai.com/docs/api-reference/chat-streaming/streaming
 */
export class ChatCompletionDecoder implements AnswerDecoder {
  private started = false;
  private finishReason: string | undefined;
  private model: string | undefined;
  private usage: TokenUsage | undefined;
  private readonly toolCallIds = new Map<number, string>();

  /** @param requestId the vendor's id of this request */
  constructor(private readonly requestId: string | undefined) {}

  get outputBegan(): boolean {
    return this.started;
  }

  *decode({ event, data }: EventSourceMessage): Generator<GenerateEvent, void, undefined> {
    if (!isKnown(event)) return;
    if (data === terminator) yield* this.finish();
    else yield* this.chunk(chunkOf(data));
  }

  private *chunk(chunk: JsonObject): Generator<GenerateEvent, void, undefined> {
    // Azure and some servers leave the kind empty.
    if ((chunk.text('object') ?? chunkKind) !== chunkKind) return;
    this.model ??= chunk.text('model');
    // One answer is asked for, so there is one choice; the last chunk has the usage and none.
    const choice = chunk.objects('choices')?.at(0);
    const usage = chunk.object('usage');
    const delta = choice?.object('delta');
    if (delta !== undefined) {
      for (const event of this.output(delta, choice?.object('logprobs'))) {
        yield* this.startOnce();
        yield event;
      }
    }
    // Some servers send an empty reason with every chunk.
    this.finishReason = choice?.text('finish_reason') ?? this.finishReason;
    // A running total where a server repeats it: the last one counts.
    if (usage !== undefined) this.usage = toChatUsage(usage);
  }

  private finish(): readonly GenerateEvent[] {
    if (this.finishReason === undefined) throw new UnfinishedError();
    return [
      ...this.startOnce(),
      ...[...this.toolCallIds.values()].map((id) => ({ type: 'tool-call-end', id }) as const),
      {
        type: 'finish',
        reason: isFinishReason(this.finishReason) ? this.finishReason : 'other',
        rawReason: this.finishReason,
        ...(this.usage === undefined ? {} : { usage: this.usage }),
      },
    ];
  }

  private startOnce(): readonly StartEvent[] {
    if (this.started) return [];
    this.started = true;
    return [{ type: 'start', ...present({ model: this.model, requestId: this.requestId }) }];
  }

  private *output(
    delta: JsonObject,
    logprobs: JsonObject | undefined,
  ): Generator<GenerateEvent, void, undefined> {
    // Servers in between two versions send the same text in both fields.
    const reasoning = reasoningFields.map((field) => delta.text(field)).find((text) => text !== undefined);
    if (reasoning !== undefined) yield { type: 'reasoning', text: reasoning };
    // A refusal is what the model says instead of content, so it is text to a reader.
    const text = (delta.text('content') ?? '') + (delta.text('refusal') ?? '');
    if (text !== '') yield { type: 'text', text, ...logprobsOf(logprobs) };
    for (const call of delta.objects('tool_calls') ?? []) yield* this.toolCall(call);
  }

  /** The first piece of a call names it; the others only repeat its index. */
  private *toolCall(call: JsonObject): Generator<GenerateEvent, void, undefined> {
    const index = call.requiredCount('index');
    let id = this.toolCallIds.get(index);
    if (id === undefined) {
      id = call.requiredText('id');
      this.toolCallIds.set(index, id);
      yield { type: 'tool-call-start', id, name: call.requiredObject('function').requiredText('name') };
    }
    const input = call.object('function')?.text('arguments');
    if (input !== undefined) yield { type: 'tool-call-delta', id, input };
  }
}

/** Chat completions are unnamed, and `error`; what else a server sends under a name of its own is not for us. */
function isKnown(event: string | undefined): boolean {
  return event === undefined || event === 'message' || event === 'error';
}

function chunkOf(data: string): JsonObject {
  const value: unknown = JSON.parse(data);
  const chunk = JsonObject.from(value, 'chunk');
  // vLLM also sends the error object itself as the chunk.
  const error = chunk.value('error') ?? (chunk.value('object') === 'error' ? value : undefined);
  if (error !== undefined) throw new ReportedError(error);
  return chunk;
}

function logprobsOf(logprobs: JsonObject | undefined): Pick<TextEvent, 'logprobs'> {
  const tokens = [...(logprobs?.objects('content') ?? []), ...(logprobs?.objects('refusal') ?? [])];
  return tokens.length === 0 ? {} : { logprobs: tokens.map(toTokenLogprob) };
}

/** Our words for it are OpenAI's. */
function isFinishReason(word: string): word is FinishReason {
  return finishReasons.has(word);
}
