import type { EventSourceMessage } from 'eventsource-parser';
import type {
  FinishEvent,
  GenerateEvent,
  StartEvent,
  TextEvent,
  TokenUsage,
} from '../../contract/generate-event.js';
import { JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { present } from '../../present.js';
import type { AnswerDecoder } from './answer-decoder.js';
import { toTokenLogprob } from './logprobs.js';
import { ReportedError } from './openai-errors.js';
import { signatureOf } from './reasoning-signature.js';

const completed = 'response.completed';
const incomplete = 'response.incomplete';
const failed = 'response.failed';
const lastEvents: ReadonlySet<string> = new Set([completed, incomplete, failed, 'error']);

/** Those that say something new; of the others some repeat it whole, and some are of tools that nobody asked for. */
const knownEvents: ReadonlySet<string> = new Set([
  ...lastEvents,
  'response.created',
  'response.output_item.added',
  'response.output_item.done',
  'response.output_text.delta',
  'response.refusal.delta',
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
  'response.function_call_arguments.delta',
]);

/** What a response is that the vendor gave up: https://platform.openai.com/docs/api-reference/responses/object#responses/object-status */
const stopped: ReadonlySet<string> = new Set(['failed', 'cancelled']);

const incompleteReasons: ReadonlyMap<string, FinishEvent['reason']> = new Map([
  ['max_output_tokens', 'length'],
  ['content_filter', 'content_filter'],
]);

interface Call {
  readonly id: string;
  hasInput: boolean;
  isOpen: boolean;
}

/** How the answer ended. */
type Ending = Pick<FinishEvent, 'reason' | 'rawReason'>;

/** Whether this message is the vendor's last. */
export function isLastOfResponse({ event }: EventSourceMessage): boolean {
  return event !== undefined && lastEvents.has(event);
}

/**
 * Turns the events of one response into ours. Unknown ones are ignored, known ones of a wrong shape throw UnexpectedShapeError.
 * https://platform.openai.com/docs/api-reference/responses-streaming
 */
export class ResponsesDecoder implements AnswerDecoder {
  private started = false;
  private refused = false;
  private model: string | undefined;
  /** By the index of the output item, which its events repeat. */
  private readonly calls = new Map<number, Call>();
  /** Item and part of the last piece of a summary. */
  private summaryPart: readonly [item: number, part: number] | undefined;

  /** @param requestId the vendor's id of this request */
  constructor(private readonly requestId: string | undefined) {}

  get outputBegan(): boolean {
    return this.started;
  }

  *decode({ event: name, data }: EventSourceMessage): Generator<GenerateEvent, void, undefined> {
    if (name !== undefined && !knownEvents.has(name)) return;
    const value: unknown = JSON.parse(data);
    const event = JsonObject.from(value, 'event');
    const type = event.requiredText('type');
    // Some servers send the error object itself, OpenAI its fields.
    if (type === 'error') throw new ReportedError(event.value('error') ?? value);
    if (type === failed) throw new ReportedError(event.requiredObject('response').value('error'));
    for (const output of this.output(type, event)) {
      yield* this.startOnce();
      yield output;
    }
  }

  private output(type: string, event: JsonObject): readonly GenerateEvent[] {
    switch (type) {
      case 'response.created':
        this.model = event.object('response')?.text('model');
        return [];
      case 'response.output_item.added':
        return this.itemAdded(event.requiredObject('item'), event);
      case 'response.output_item.done':
        return this.itemDone(event.requiredObject('item'), event);
      case 'response.output_text.delta':
        return textOf(event);
      case 'response.refusal.delta':
        // A refusal is what the model says instead of an answer, so it is text to a reader.
        this.refused = true;
        return textOf(event);
      case 'response.reasoning_summary_text.delta':
        return this.summary(event);
      case 'response.reasoning_text.delta':
        return pieceOf(event).map((text) => ({ type: 'reasoning', text }));
      case 'response.function_call_arguments.delta':
        return this.callInput(event);
      case completed:
        return this.finish(event, this.endingOfCompleted(event.requiredObject('response')));
      case incomplete:
        return this.finish(event, endingOfIncomplete(event.requiredObject('response')));
      default:
        return [];
    }
  }

  private itemAdded(item: JsonObject, event: JsonObject): readonly GenerateEvent[] {
    if (item.requiredText('type') !== 'function_call') return [];
    const id = item.requiredText('call_id');
    this.calls.set(event.requiredCount('output_index'), { id, hasInput: false, isOpen: true });
    return [{ type: 'tool-call-start', id, name: item.requiredText('name') }];
  }

  /** The item whole: of reasoning only this one has all of what is encrypted. */
  private itemDone(item: JsonObject, event: JsonObject): readonly GenerateEvent[] {
    switch (item.requiredText('type')) {
      case 'function_call': {
        const call = this.callOf(event);
        const input = call.hasInput ? undefined : item.text('arguments');
        call.isOpen = false;
        const { id } = call;
        return [
          ...(input === undefined ? [] : [{ type: 'tool-call-delta', id, input } as const]),
          { type: 'tool-call-end', id },
        ];
      }
      case 'reasoning': {
        const signature = signatureOf(item);
        return signature === undefined ? [] : [{ type: 'reasoning', text: '', signature }];
      }
      default:
        return [];
    }
  }

  private callInput(event: JsonObject): readonly GenerateEvent[] {
    const call = this.callOf(event);
    return pieceOf(event).map((input) => {
      call.hasInput = true;
      return { type: 'tool-call-delta', id: call.id, input };
    });
  }

  private callOf(event: JsonObject): Call {
    const call = this.calls.get(event.requiredCount('output_index'));
    if (call === undefined) throw new UnexpectedShapeError('event.output_index', 'that of a call');
    return call;
  }

  /** The parts of a summary are paragraphs. */
  private summary(event: JsonObject): readonly GenerateEvent[] {
    const part = [event.requiredCount('output_index'), event.requiredCount('summary_index')] as const;
    const [item, index] = this.summaryPart ?? [];
    const isNextPart = item === part[0] && index !== part[1];
    this.summaryPart = part;
    return pieceOf(event).map((text) => ({ type: 'reasoning', text: isNextPart ? `\n\n${text}` : text }));
  }

  /** Its status may say otherwise: the event alone does not make an answer whole. */
  private endingOfCompleted(response: JsonObject): Ending {
    const rawReason = response.text('status') ?? 'completed';
    if (rawReason === 'incomplete') return endingOfIncomplete(response);
    if (stopped.has(rawReason)) throw new ReportedError(response.value('error'));
    if (rawReason !== 'completed') throw new UnexpectedShapeError('response.status', 'that of an end');
    if (this.refused) return { reason: 'content_filter', rawReason: 'refusal' };
    return { reason: this.calls.size > 0 ? 'tool_calls' : 'stop', rawReason };
  }

  private finish(event: JsonObject, ending: Ending): readonly GenerateEvent[] {
    const usage = event.requiredObject('response').object('usage');
    return [
      ...[...this.calls.values()]
        .filter(({ isOpen }) => isOpen)
        .map(({ id }) => ({ type: 'tool-call-end', id }) as const),
      { type: 'finish', ...ending, ...(usage === undefined ? {} : { usage: toUsage(usage) }) },
    ];
  }

  private startOnce(): readonly StartEvent[] {
    if (this.started) return [];
    this.started = true;
    return [{ type: 'start', ...present({ model: this.model, requestId: this.requestId }) }];
  }
}

/** None for an empty one. */
function pieceOf(event: JsonObject): readonly string[] {
  if (event.value('delta') === undefined) throw new UnexpectedShapeError('event.delta', 'a string');
  const piece = event.text('delta');
  return piece === undefined ? [] : [piece];
}

function textOf(event: JsonObject): readonly TextEvent[] {
  const logprobs = (event.objects('logprobs') ?? []).map(toTokenLogprob);
  return pieceOf(event).map((text) => ({
    type: 'text',
    text,
    ...(logprobs.length === 0 ? {} : { logprobs }),
  }));
}

function endingOfIncomplete(response: JsonObject): Ending {
  const rawReason = response.object('incomplete_details')?.text('reason') ?? 'incomplete';
  return { reason: incompleteReasons.get(rawReason) ?? 'other', rawReason };
}

function toUsage(usage: JsonObject): TokenUsage {
  const input = usage.object('input_tokens_details');
  return present({
    inputTokens: usage.requiredCount('input_tokens'),
    outputTokens: usage.requiredCount('output_tokens'),
    cachedInputTokens: input?.count('cached_tokens'),
    cacheWriteInputTokens: input?.count('cache_write_tokens'),
    reasoningTokens: usage.object('output_tokens_details')?.count('reasoning_tokens'),
  });
}
