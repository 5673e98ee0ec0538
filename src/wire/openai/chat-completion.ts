import type { GenerateResult } from '../../llm-providers/contract/collect.js';
import type { AssistantPart, ToolCallPart } from '../../llm-providers/contract/generate-request.js';
import { toExtraContent, toFinishReason, toLogprobs, toUsage, type AnswerFrame } from './chat-words.js';

/** A whole answer: https://platform.openai.com/docs/api-reference/chat/object */
export function toChatCompletion(frame: AnswerFrame, result: GenerateResult): object {
  const { text, parts, reason, usage } = result;
  const calls = parts.filter((part): part is ToolCallPart => part.type === 'tool-call');
  const reasoning = parts.map(reasoningOf).join('');
  return {
    ...frame,
    object: 'chat.completion',
    model: result.model ?? frame.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          refusal: null,
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
          ...(calls.length === 0 ? {} : { tool_calls: calls.map(toToolCall) }),
        },
        logprobs: toLogprobs(result.logprobs),
        finish_reason: toFinishReason(reason, calls.length > 0),
      },
    ],
    ...(usage === undefined ? {} : { usage: toUsage(usage) }),
  };
}

function reasoningOf(part: AssistantPart): string {
  return part.type === 'reasoning' ? part.text : '';
}

function toToolCall({ id, name, input, signature }: ToolCallPart): object {
  return {
    id,
    type: 'function',
    // Programs parse the arguments: none are an empty object.
    function: { name, arguments: input === '' ? '{}' : input },
    ...toExtraContent(signature),
  };
}
