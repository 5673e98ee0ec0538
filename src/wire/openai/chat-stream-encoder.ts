import type { DomainError } from '../../common/domain-error.js';
import type {
  FinishEvent,
  GenerateEvent,
  ToolCallDeltaEvent,
  ToolCallEndEvent,
  ToolCallStartEvent,
} from '../../llm-providers/contract/generate-event.js';
import type { StreamEncoder } from '../program-answer.js';
import {
  dataEvent,
  terminator,
  toExtraContent,
  toFinishReason,
  toLogprobs,
  toUsage,
  type AnswerFrame,
} from './chat-words.js';
import { toOpenAiError } from './openai-error-shape.js';

interface StreamedCall {
  readonly index: number;
  hasArguments: boolean;
}

/** Says an answer in chunks of a chat completion: https://platform.openai.com/docs/api-reference/chat-streaming/streaming */
export class ChatStreamEncoder implements StreamEncoder {
  private model: string;
  private readonly calls = new Map<string, StreamedCall>();

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
        return this.delta({ role: 'assistant', content: '', refusal: null });
      case 'text':
        return this.delta({ content: event.text }, { logprobs: toLogprobs(event.logprobs) });
      case 'reasoning':
        return event.text === '' ? '' : this.delta({ reasoning_content: event.text });
      case 'tool-call-start':
        return this.callStart(event);
      case 'tool-call-delta':
        return this.callDelta(event);
      case 'tool-call-end':
        return this.callEnd(event);
      case 'finish':
        return this.finish(event);
    }
  }

  fail(error: DomainError): string {
    return dataEvent({ error: toOpenAiError(error) });
  }

  private callStart({ id, name, signature }: ToolCallStartEvent): string {
    const index = this.calls.size;
    this.calls.set(id, { index, hasArguments: false });
    const called = { name, arguments: '' };
    return this.callChunk({ index, id, type: 'function', function: called, ...toExtraContent(signature) });
  }

  private callDelta({ id, input }: ToolCallDeltaEvent): string {
    const call = this.calls.get(id);
    if (call === undefined || input === '') return '';
    call.hasArguments = true;
    return this.callChunk({ index: call.index, function: { arguments: input } });
  }

  /** Programs parse the arguments: none are an empty object. */
  private callEnd({ id }: ToolCallEndEvent): string {
    return this.calls.get(id)?.hasArguments === false
      ? this.callDelta({ type: 'tool-call-delta', id, input: '{}' })
      : '';
  }

  private callChunk(call: object): string {
    return this.delta({ tool_calls: [call] });
  }

  private finish({ reason, usage }: FinishEvent): string {
    const last = this.delta({}, { finish_reason: toFinishReason(reason, this.calls.size > 0) });
    const used = this.includesUsage && usage !== undefined ? this.chunk([], toUsage(usage)) : '';
    return last + used + terminator;
  }

  private delta(delta: object, fields: object = {}): string {
    return this.chunk([{ index: 0, delta, logprobs: null, finish_reason: null, ...fields }]);
  }

  /** Whoever asked for the usage finds the field on every chunk. */
  private chunk(choices: readonly object[], usage: object | null = null): string {
    return dataEvent({
      ...this.frame,
      object: 'chat.completion.chunk',
      model: this.model,
      choices,
      ...(this.includesUsage ? { usage } : {}),
    });
  }
}
