import type { FinishReason, GenerateEvent, StartEvent } from '../../contract/generate-event.js';
import { type JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { UsageCounter } from './usage-counter.js';

/** https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
const finishReasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

type Events = Generator<GenerateEvent, void, undefined>;

/** A content block that is being written; `unknown` is what we did not ask for, such as a tool that the vendor runs itself. */
type Block =
  | { readonly type: 'text' | 'unknown' }
  | { readonly type: 'thinking'; signature: string | undefined }
  | { readonly type: 'tool_use'; readonly id: string; readonly input: unknown; hasInput: boolean };

/**
 * Turns the events of one message into ours. Unknown kinds of event, block and delta are ignored, known ones of a wrong shape throw
 * UnexpectedShapeError. https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export class MessageDecoder {
  private started = false;
  private model: string | undefined;
  private stopReason: string | undefined;
  private readonly usage = new UsageCounter();
  private readonly blocks = new Map<number, Block>();

  /** @param requestId the vendor's id of this request */
  constructor(private readonly requestId: string | undefined) {}

  /** Whether any event came out. */
  get outputBegan(): boolean {
    return this.started;
  }

  /** The events of one event that is neither an error nor the last. */
  *decode(event: JsonObject): Events {
    for (const output of this.output(event)) {
      yield* this.startOnce();
      yield output;
    }
  }

  /** The last events, when the vendor has sent its terminator; undefined when it never said why it stopped. */
  finish(): readonly GenerateEvent[] | undefined {
    if (this.stopReason === undefined) return undefined;
    const open = [...this.blocks.keys()].flatMap((index) => [...this.closeBlock(index)]);
    const usage = this.usage.total();
    return [
      ...this.startOnce(),
      ...open,
      {
        type: 'finish',
        reason: finishReasons.get(this.stopReason) ?? 'other',
        rawReason: this.stopReason,
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
        ...(this.requestId === undefined ? {} : { requestId: this.requestId }),
      },
    ];
  }

  private *output(event: JsonObject): Events {
    switch (event.requiredText('type')) {
      case 'message_start':
        this.startMessage(event.requiredObject('message'));
        return;
      case 'content_block_start':
        return yield* this.openBlock(event.requiredCount('index'), event.requiredObject('content_block'));
      case 'content_block_delta':
        return yield* this.continueBlock(this.block(event), event.requiredObject('delta'));
      case 'content_block_stop':
        this.block(event);
        return yield* this.closeBlock(event.requiredCount('index'));
      case 'message_delta':
        this.stopReason = event.requiredObject('delta').text('stop_reason') ?? this.stopReason;
        this.usage.countDelta(event.object('usage'));
    }
  }

  private startMessage(message: JsonObject): void {
    this.model = message.text('model');
    this.usage.countStart(message.object('usage'));
  }

  private *openBlock(index: number, block: JsonObject): Events {
    const type = block.requiredText('type');
    switch (type) {
      case 'text':
        this.blocks.set(index, { type });
        return yield* textOf(block.text('text'));
      case 'thinking':
        this.blocks.set(index, { type, signature: block.text('signature') });
        return yield* reasoningOf(block.text('thinking'));
      case 'tool_use': {
        const [id, name] = [block.requiredText('id'), block.requiredText('name')];
        this.blocks.set(index, { type, id, input: block.value('input'), hasInput: false });
        return yield { type: 'tool-call-start', id, name };
      }
      case 'redacted_thinking':
        yield { type: 'reasoning', text: '', redacted: block.requiredText('data') };
    }
    this.blocks.set(index, { type: 'unknown' });
  }

  private *continueBlock(block: Block, delta: JsonObject): Events {
    const type = delta.requiredText('type');
    const expected = blockOfDelta.get(type);
    if (block.type === 'unknown' || expected === undefined) return;
    if (block.type !== expected) throw new UnexpectedShapeError('delta', `of a block ${block.type}`);
    switch (block.type) {
      case 'text':
        return yield* textOf(pieceOf(delta, 'text'));
      case 'tool_use': {
        const input = pieceOf(delta, 'partial_json');
        if (input === undefined) return;
        block.hasInput = true;
        return yield { type: 'tool-call-delta', id: block.id, input };
      }
      case 'thinking':
        if (type === 'thinking_delta') return yield* reasoningOf(pieceOf(delta, 'thinking'));
        block.signature = pieceOf(delta, 'signature') ?? block.signature;
        return;
    }
  }

  private *closeBlock(index: number): Events {
    const block = this.blocks.get(index);
    this.blocks.delete(index);
    if (block?.type === 'thinking' && block.signature !== undefined) {
      yield { type: 'reasoning', text: '', signature: block.signature };
    }
    if (block?.type === 'tool_use') {
      // The arguments are always an object, also when there are none and nothing is said of them.
      if (!block.hasInput)
        yield { type: 'tool-call-delta', id: block.id, input: JSON.stringify(block.input ?? {}) };
      yield { type: 'tool-call-end', id: block.id };
    }
  }

  private block(event: JsonObject): Block {
    const block = this.blocks.get(event.requiredCount('index'));
    if (block === undefined) throw new UnexpectedShapeError('event.index', 'that of an open block');
    return block;
  }
}

/** Which block a piece is a piece of. Citations come with documents, which we do not send. */
const blockOfDelta: ReadonlyMap<string, Block['type']> = new Map<string, Block['type']>([
  ['text_delta', 'text'],
  ['input_json_delta', 'tool_use'],
  ['thinking_delta', 'thinking'],
  ['signature_delta', 'thinking'],
]);

/** A piece may be empty, but not absent. */
function pieceOf(delta: JsonObject, key: string): string | undefined {
  const piece = delta.text(key);
  if (piece === undefined && delta.value(key) !== '') {
    throw new UnexpectedShapeError(`delta.${key}`, 'a string');
  }
  return piece;
}

function* textOf(text: string | undefined): Events {
  if (text !== undefined) yield { type: 'text', text };
}

function* reasoningOf(text: string | undefined): Events {
  if (text !== undefined) yield { type: 'reasoning', text };
}
