import { createHash } from 'node:crypto';
import type {
  FinishEvent,
  FinishReason,
  GenerateEvent,
  StartEvent,
  TokenLogprob,
  TokenUsage,
} from '../../contract/generate-event.js';
import { type JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { toTokenLogprob } from './logprobs.js';
import type { LineDecoder } from './ollama-client.js';

export interface ChatDecoderOptions {
  /** The vendor's id of this request. */
  readonly requestId: string | undefined;
  /** The same for the same request and for no other: the ids of tool calls come from it when the server gives them none. */
  readonly callIdSeed: string;
}

/**
 * Turns the lines of one chat into our events. Unknown fields and lines are ignored, known fields of a wrong type throw
 * UnexpectedShapeError. https://docs.ollama.com/api/chat
 */
export class ChatDecoder implements LineDecoder<GenerateEvent> {
  outputBegan = false;
  isComplete = false;
  private toolCalls = 0;
  /** Of tokens whose text the server still holds back, because it may become a tool call. */
  private logprobs: TokenLogprob[] = [];

  constructor(private readonly options: ChatDecoderOptions) {}

  decode(line: JsonObject): readonly GenerateEvent[] {
    const events: GenerateEvent[] = [];
    const message = line.object('message');
    this.addLogprobs(line);
    if (message !== undefined) this.addOutput(message, events);
    if (isDone(line)) {
      events.push(this.finish(line));
      this.isComplete = true;
    }
    if (events.length > 0 && !this.outputBegan) {
      events.unshift(this.start(line));
      this.outputBegan = true;
    }
    return events;
  }

  private start(line: JsonObject): StartEvent {
    const { requestId } = this.options;
    const model = line.text('model');
    return {
      type: 'start',
      ...(model === undefined ? {} : { model }),
      ...(requestId === undefined ? {} : { requestId }),
    };
  }

  private addLogprobs(line: JsonObject): void {
    const logprobs = line.objects('logprobs');
    if (logprobs !== undefined) this.logprobs.push(...logprobs.map(toTokenLogprob));
  }

  private addOutput(message: JsonObject, events: GenerateEvent[]): void {
    const thinking = message.text('thinking');
    const text = message.text('content');
    const calls = message.objects('tool_calls');
    if (thinking !== undefined) events.push({ type: 'reasoning', text: thinking });
    if (text !== undefined) {
      const logprobs = this.logprobs;
      events.push({ type: 'text', text, ...(logprobs.length === 0 ? {} : { logprobs }) });
    }
    // Those of thoughts and calls have no place.
    if (thinking !== undefined || text !== undefined || calls !== undefined) this.logprobs = [];
    for (const call of calls ?? []) this.addToolCall(call, events);
  }

  /** A call comes whole, its arguments as an object. */
  private addToolCall(call: JsonObject, events: GenerateEvent[]): void {
    const called = call.requiredObject('function');
    const name = called.requiredText('name');
    // Asked for as an object, so that it is one.
    const input = called.object('arguments') === undefined ? {} : called.value('arguments');
    const id = call.text('id') ?? madeUpCallId(this.options.callIdSeed, this.toolCalls);
    this.toolCalls += 1;
    events.push(
      { type: 'tool-call-start', id, name },
      { type: 'tool-call-delta', id, input: JSON.stringify(input) },
      { type: 'tool-call-end', id },
    );
  }

  /** Without a reason the server's own runner has gone away. */
  private finish(line: JsonObject): FinishEvent {
    const rawReason = line.text('done_reason') ?? '';
    const usage = usageOf(line);
    return {
      type: 'finish',
      reason: this.reasonOf(rawReason),
      rawReason,
      ...(usage === undefined ? {} : { usage }),
    };
  }

  /** Ollama calls it `stop` also when the model waits for its tools; `load` and `unload` are for requests without messages. */
  private reasonOf(rawReason: string): FinishReason {
    if (rawReason === 'stop') return this.toolCalls === 0 ? 'stop' : 'tool_calls';
    return rawReason === 'length' ? 'length' : 'other';
  }
}

function isDone(line: JsonObject): boolean {
  const done = line.value('done');
  if (done !== undefined && typeof done !== 'boolean')
    throw new UnexpectedShapeError('line.done', 'true or false');
  return done === true;
}

/**
 * https://docs.ollama.com/api/usage: the prompt is counted with what came from the cache. A count may be missing, that of the prompt when
 * all of it came from the cache (https://github.com/ollama/ollama/issues/2068): half a usage is none.
 */
function usageOf(line: JsonObject): TokenUsage | undefined {
  const inputTokens = line.count('prompt_eval_count');
  const outputTokens = line.count('eval_count');
  const cachedInputTokens = line.count('prompt_eval_cached_count');
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return { inputTokens, outputTokens, ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }) };
}

/** Older servers give calls no id. Letters and digits only, and short, because the conversation may go on with another vendor. */
function madeUpCallId(seed: string, index: number): string {
  const digest = createHash('sha256').update(`${seed}:${index}`).digest('hex');
  return `call_${digest.slice(0, 24)}`;
}
