import type { DomainError } from '../../common/domain-error.js';
import type {
  FinishEvent,
  GenerateEvent,
  ReasoningEvent,
  ToolCallStartEvent,
} from '../../llm-providers/contract/generate-event.js';
import type { StreamEncoder } from '../program-answer.js';
import { toAnthropicError } from './anthropic-error-shape.js';
import { toThinkingSignature } from './call-signature.js';
import {
  emptyMessage,
  redactedBlock,
  stopOf,
  textBlock,
  thinkingBlock,
  toolUseBlock,
  usageOf,
  type MessageHead,
} from './message.js';

/** A block of a message, while it is written. */
interface Block {
  readonly kind: 'text' | 'thinking' | 'redacted' | 'tool';
  /** Of a call. */
  readonly id?: string;
  readonly start: object;
  /** What has been said of it and not been sent. */
  readonly deltas: object[];
  isOver: boolean;
}

interface Beginning extends MessageHead {
  readonly requestId: string;
  /** Tokens of the prompt, as we count them: the vendor's own number comes at the end. */
  readonly inputTokens: () => number;
}

/**
 * An answer in the events of Anthropic: https://platform.claude.com/docs/en/build-with-claude/streaming. Blocks come one after the other
 * there: what vendors tell of several calls at once waits until it is the turn of its block.
 */
export class MessageStreamEncoder implements StreamEncoder {
  readonly ping = sse({ type: 'ping' });
  private index = 0;
  private callsTools = false;
  /** The first of them is the one that is being sent. */
  private blocks: Block[] = [];

  constructor(private readonly beginning: Beginning) {}

  readonly encode = (event: GenerateEvent): string => {
    switch (event.type) {
      case 'start': {
        const { id, model, inputTokens } = this.beginning;
        const message = emptyMessage({ id, model: event.model ?? model }, inputTokens());
        return sse({ type: 'message_start', message });
      }
      case 'text':
        return this.continueWith('text', textBlock(''), { type: 'text_delta', text: event.text });
      case 'reasoning':
        return this.reason(event);
      case 'tool-call-start':
        return this.call(event);
      case 'tool-call-delta':
        return this.say(this.callOf(event.id), { type: 'input_json_delta', partial_json: event.input });
      case 'tool-call-end':
        return this.end(this.callOf(event.id));
      case 'finish':
        return this.finish(event);
    }
  };

  readonly fail = (error: DomainError): string =>
    sse({ ...toAnthropicError(error, this.beginning.requestId) });

  private reason({ text, signature, redacted }: ReasoningEvent): string {
    if (redacted !== undefined)
      return this.open({ kind: 'redacted', start: redactedBlock(redacted), isOver: true });
    const said =
      text === ''
        ? ''
        : this.continueWith('thinking', thinkingBlock(''), { type: 'thinking_delta', thinking: text });
    if (signature === undefined) return said;
    const signed = this.continueWith('thinking', thinkingBlock(''), { type: 'signature_delta', signature });
    return said + signed + this.end(this.blocks.at(-1));
  }

  private call({ id, name, signature }: ToolCallStartEvent): string {
    this.callsTools = true;
    const thought =
      signature === undefined
        ? ''
        : this.reason({ type: 'reasoning', text: '', signature: toThinkingSignature(signature) });
    return thought + this.open({ kind: 'tool', id, start: toolUseBlock({ id, name }, {}), isOver: false });
  }

  private callOf(id: string): Block | undefined {
    return this.blocks.findLast((block) => block.id === id);
  }

  /** Goes on with the last block, when it is of this kind, or opens one. */
  private continueWith(kind: Block['kind'], start: object, delta: object): string {
    const last = this.blocks.at(-1);
    const opened = last?.kind === kind && !last.isOver ? '' : this.open({ kind, start, isOver: false });
    return opened + this.say(this.blocks.at(-1), delta);
  }

  /** Text and thinking end where something else begins; calls say so themselves. */
  private open(block: Omit<Block, 'deltas'>): string {
    const last = this.blocks.at(-1);
    const before = last === undefined || last.kind === 'tool' ? '' : this.end(last);
    this.blocks.push({ ...block, deltas: [] });
    return before + (this.blocks.length === 1 ? this.begin() : '');
  }

  private say(block: Block | undefined, delta: object): string {
    if (block !== undefined && block === this.blocks[0]) return this.delta(delta);
    block?.deltas.push(delta);
    return '';
  }

  private end(block: Block | undefined): string {
    if (block === undefined) return '';
    block.isOver = true;
    return block === this.blocks[0] ? this.next() : '';
  }

  /** Ends the block that is being sent, and sends what there is of those behind it. */
  private next(): string {
    const stop = sse({ type: 'content_block_stop', index: this.index });
    this.index++;
    this.blocks.shift();
    return this.blocks.length === 0 ? stop : stop + this.begin();
  }

  private begin(): string {
    const [block] = this.blocks;
    if (block === undefined) return '';
    const start = sse({ type: 'content_block_start', index: this.index, content_block: block.start });
    const said = block.deltas.map((delta) => this.delta(delta)).join('');
    return start + said + (block.isOver ? this.next() : '');
  }

  private delta(delta: object): string {
    return sse({ type: 'content_block_delta', index: this.index, delta });
  }

  private finish(event: FinishEvent): string {
    let ended = '';
    for (const block of this.blocks) block.isOver = true;
    if (this.blocks.length > 0) ended = this.next();
    const usage = usageOf(event.usage ?? { inputTokens: this.beginning.inputTokens(), outputTokens: 0 });
    const delta = { ...stopOf(event, this.callsTools), container: null };
    return ended + sse({ type: 'message_delta', delta, usage }) + sse({ type: 'message_stop' });
  }
}

function sse(event: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
