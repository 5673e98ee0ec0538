import type OpenAI from 'openai';
import type {
  AssistantPart,
  GenerateMessage,
  ReasoningPart,
  ToolResultPart,
  UserPart,
} from '../../contract/generate-request.js';
import { textOf } from '../../contract/text-of.js';
import { signedReasoning } from './reasoning-signature.js';

type InputItem = OpenAI.Responses.ResponseInputItem;
type InputContent = OpenAI.Responses.ResponseInputText | OpenAI.Responses.ResponseInputImage;

/**
 * A conversation as input items, each part an item of its own and in its order, which reasoning depends on.
 * https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
 */
export function toInputItems(messages: readonly GenerateMessage[]): InputItem[] {
  return messages.flatMap((message): InputItem[] => {
    switch (message.role) {
      case 'user':
        return [{ role: 'user', content: toContent(message.parts) }];
      case 'assistant':
        return message.parts.flatMap(toOutputItems);
      case 'tool':
        return message.parts.map(toCallOutput);
    }
  });
}

function toOutputItems(part: AssistantPart): InputItem[] {
  switch (part.type) {
    case 'text':
      return part.text === '' ? [] : [{ role: 'assistant', content: part.text }];
    case 'reasoning':
      return toReasoningItems(part);
    case 'tool-call':
      return [{ type: 'function_call', call_id: part.id, name: part.name, arguments: part.input }];
  }
}

/**
 * Only reasoning that OpenAI signed means something to it: https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items.
 * The other items have no id: nothing is stored, so it would name nothing.
 */
function toReasoningItems({ text, signature }: ReasoningPart): InputItem[] {
  const signed = signature === undefined ? undefined : signedReasoning(signature);
  if (signed === undefined) return [];
  const summary = text === '' ? [] : [{ type: 'summary_text' as const, text }];
  // The vendor's types want the id, which the vendor itself leaves out of some items that it does not store.
  return [{ type: 'reasoning', ...signed, summary } as OpenAI.Responses.ResponseReasoningItem];
}

/** There is no word for a tool that failed: its output says so. */
function toCallOutput({ callId, output }: ToolResultPart): InputItem {
  return { type: 'function_call_output', call_id: callId, output: toContent(output) };
}

function toContent(parts: string | readonly UserPart[]): string | InputContent[] {
  if (typeof parts === 'string' || parts.every(({ type }) => type === 'text')) return textOf(parts);
  return parts.map((part) => {
    if (part.type === 'text') return { type: 'input_text', text: part.text };
    const { source, detail } = part;
    const url = source.type === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
    return { type: 'input_image', image_url: url, detail: detail ?? 'auto' };
  });
}
