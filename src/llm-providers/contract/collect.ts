import type {
  FinishEvent,
  GenerateEvent,
  ReasoningEvent,
  StartEvent,
  TextEvent,
  TokenLogprob,
  ToolCallStartEvent,
} from './generate-event.js';
import type { AssistantPart } from './generate-request.js';

/** A whole answer: what a stream amounts to. */
export interface GenerateResult extends Omit<StartEvent, 'type'>, Omit<FinishEvent, 'type'> {
  /** All text of the answer, without reasoning. */
  readonly text: string;
  /** Everything that the model produced, in order, with neighbouring pieces joined. */
  readonly parts: readonly AssistantPart[];
  /** Of the tokens of the text, when they were asked for. */
  readonly logprobs?: readonly TokenLogprob[];
}

/**
 * The non-streaming answer is the collected stream.
 * @throws what the stream throws; what had arrived until then is dropped.
 */
export async function collect(
  events: AsyncIterable<GenerateEvent> | Iterable<GenerateEvent>,
): Promise<GenerateResult> {
  const collector = new AnswerCollector();
  for await (const event of events) collector.add(event);
  return collector.result();
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type MutablePart = AssistantPart extends infer Part
  ? Part extends AssistantPart
    ? Mutable<Part>
    : never
  : never;

class AnswerCollector {
  private readonly parts: MutablePart[] = [];
  private readonly logprobs: TokenLogprob[] = [];
  private start: StartEvent | undefined;
  private finish: FinishEvent | undefined;

  add(event: GenerateEvent): void {
    switch (event.type) {
      case 'start':
        this.start = event;
        break;
      case 'text':
        this.addText(event);
        break;
      case 'reasoning':
        this.addReasoning(event);
        break;
      case 'tool-call-start':
        this.parts.push(toolCall(event));
        break;
      case 'tool-call-delta':
        this.addToolInput(event.id, event.input);
        break;
      case 'tool-call-end':
        break;
      case 'finish':
        this.finish = event;
    }
  }

  result(): GenerateResult {
    if (this.start === undefined || this.finish === undefined) {
      throw new Error('The adapter ended a stream without start and finish.');
    }
    const { type: _start, ...start } = this.start;
    const { type: _finish, ...finish } = this.finish;
    const text = this.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
    const logprobs = this.logprobs.length === 0 ? {} : { logprobs: this.logprobs };
    return { ...start, ...finish, text, parts: this.parts, ...logprobs };
  }

  private addText({ text, logprobs = [] }: TextEvent): void {
    this.logprobs.push(...logprobs);
    const last = this.parts.at(-1);
    if (last?.type === 'text') last.text += text;
    else this.parts.push({ type: 'text', text });
  }

  private addReasoning({ text, signature, redacted }: ReasoningEvent): void {
    if (redacted !== undefined) {
      this.parts.push({ type: 'reasoning', text, redacted });
      return;
    }
    let part = this.parts.at(-1);
    if (part?.type !== 'reasoning' || part.signature !== undefined || part.redacted !== undefined) {
      part = { type: 'reasoning', text: '' };
      this.parts.push(part);
    }
    part.text += text;
    if (signature !== undefined) part.signature = signature;
  }

  private addToolInput(id: string, input: string): void {
    for (const part of this.parts) {
      if (part.type === 'tool-call' && part.id === id) part.input += input;
    }
  }
}

function toolCall({ id, name, signature }: ToolCallStartEvent): MutablePart {
  return { type: 'tool-call', id, name, input: '', ...(signature === undefined ? {} : { signature }) };
}
