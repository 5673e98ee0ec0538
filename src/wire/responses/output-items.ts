import type {
  ReasoningEvent,
  TextEvent,
  ToolCallStartEvent,
} from '../../llm-providers/contract/generate-event.js';
import { toExtraContent } from '../openai/chat-words.js';
import { encryptedContent } from './reasoning-items.js';
import { toResponseLogprobs } from './response-words.js';

/** One event of a stream, but for its number: https://platform.openai.com/docs/api-reference/responses-streaming */
export interface ResponseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/**
 * An item of the output in the making: https://platform.openai.com/docs/api-reference/responses/object#responses/object-output. Methods
 * return what is told of the step that they take.
 */
export interface OutputItem {
  /** As it is now, with what is encrypted. */
  readonly item: Readonly<Record<string, unknown>>;
  /** As it is now, for those who did not ask for what is encrypted. */
  readonly shown: Readonly<Record<string, unknown>>;
  end(status: 'completed' | 'incomplete'): readonly ResponseEvent[];
}

/** What the model says. */
export class MessageItem implements OutputItem {
  private status: ItemStatus = 'in_progress';
  private text = '';
  private readonly logprobs: object[] = [];

  constructor(
    private readonly id: string,
    private readonly index: number,
  ) {}

  get item(): OutputItem['item'] {
    return this.with([this.part]);
  }

  get shown(): OutputItem['item'] {
    return this.item;
  }

  begin(): readonly ResponseEvent[] {
    return [
      { type: 'response.output_item.added', output_index: this.index, item: this.with([]) },
      { type: 'response.content_part.added', ...this.place, part: this.part },
    ];
  }

  say({ text, logprobs }: TextEvent): readonly ResponseEvent[] {
    const told = toResponseLogprobs(logprobs);
    this.text += text;
    this.logprobs.push(...told);
    return [{ type: 'response.output_text.delta', ...this.place, delta: text, logprobs: told }];
  }

  end(status: 'completed' | 'incomplete'): readonly ResponseEvent[] {
    this.status = status;
    const { place, part, text, logprobs, index, item } = this;
    return [
      { type: 'response.output_text.done', ...place, text, logprobs },
      { type: 'response.content_part.done', ...place, part },
      { type: 'response.output_item.done', output_index: index, item },
    ];
  }

  private with(content: readonly object[]): OutputItem['item'] {
    return { id: this.id, type: 'message', status: this.status, role: 'assistant', content };
  }

  private get part(): object {
    return { type: 'output_text', annotations: [], logprobs: [...this.logprobs], text: this.text };
  }

  private get place(): object {
    return { item_id: this.id, output_index: this.index, content_index: 0 };
  }
}

/** A stretch of reasoning: whatever a vendor shows of it is a summary here. */
export class ReasoningItem implements OutputItem {
  private text = '';
  private encrypted: string | undefined;

  constructor(
    private readonly id: string,
    private readonly index: number,
    private readonly showsEncrypted: boolean,
  ) {}

  get item(): OutputItem['item'] {
    const { encrypted } = this;
    return { ...this.bare, ...(encrypted === undefined ? {} : { encrypted_content: encrypted }) };
  }

  get shown(): OutputItem['item'] {
    return this.showsEncrypted ? this.item : this.bare;
  }

  begin(): readonly ResponseEvent[] {
    return [{ type: 'response.output_item.added', output_index: this.index, item: this.bare }];
  }

  think({ text, signature, redacted }: ReasoningEvent): readonly ResponseEvent[] {
    this.encrypted = encryptedContent({ signature, redacted }) ?? this.encrypted;
    if (text === '') return [];
    const isFirst = this.text === '';
    this.text += text;
    const part = { type: 'summary_text', text: '' };
    return [
      ...(isFirst ? [{ type: 'response.reasoning_summary_part.added', ...this.place, part }] : []),
      { type: 'response.reasoning_summary_text.delta', ...this.place, delta: text },
    ];
  }

  end(): readonly ResponseEvent[] {
    const { place, text, index, shown, summary } = this;
    return [
      ...summary.flatMap((part) => [
        { type: 'response.reasoning_summary_text.done', ...place, text },
        { type: 'response.reasoning_summary_part.done', ...place, part },
      ]),
      { type: 'response.output_item.done', output_index: index, item: shown },
    ];
  }

  private get bare(): OutputItem['item'] {
    return { id: this.id, type: 'reasoning', summary: this.summary };
  }

  private get summary(): readonly object[] {
    return this.text === '' ? [] : [{ type: 'summary_text', text: this.text }];
  }

  private get place(): object {
    return { item_id: this.id, output_index: this.index, summary_index: 0 };
  }
}

/** A call of a function of the program's own. */
export class CallItem implements OutputItem {
  private status: ItemStatus = 'in_progress';
  private input = '';

  constructor(
    private readonly id: string,
    private readonly index: number,
    private readonly call: ToolCallStartEvent,
  ) {}

  get item(): OutputItem['item'] {
    const { id, name, signature } = this.call;
    return {
      ...{
        id: this.id,
        type: 'function_call',
        status: this.status,
        call_id: id,
        name,
        arguments: this.input,
      },
      ...toExtraContent(signature),
    };
  }

  get shown(): OutputItem['item'] {
    return this.item;
  }

  begin(): readonly ResponseEvent[] {
    return [{ type: 'response.output_item.added', output_index: this.index, item: this.item }];
  }

  fill(input: string): readonly ResponseEvent[] {
    this.input += input;
    if (input === '') return [];
    return [{ type: 'response.function_call_arguments.delta', ...this.place, delta: input }];
  }

  end(status: 'completed' | 'incomplete'): readonly ResponseEvent[] {
    if (this.status !== 'in_progress') return [];
    // Programs parse the arguments: none are an empty object.
    const filled = status === 'completed' && this.input === '' ? this.fill('{}') : [];
    this.status = status;
    const { place, index, item, input } = this;
    return [
      ...filled,
      { type: 'response.function_call_arguments.done', ...place, arguments: input },
      { type: 'response.output_item.done', output_index: index, item },
    ];
  }

  private get place(): object {
    return { item_id: this.id, output_index: this.index };
  }
}
