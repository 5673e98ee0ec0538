import type {
  AssistantPart,
  GenerateMessage,
  UserPart,
} from '../../llm-providers/contract/generate-request.js';
import { isRecord } from '../../llm-providers/json-shape.js';
import { present } from '../../llm-providers/present.js';
import { imageSource } from '../openai/chat-messages.js';
import { invalid, type RequestFields, unsupported } from '../request-fields.js';
import { toReasoningPart } from './reasoning-items.js';

/** Messages in the making, and what the instructions grow by. */
interface Conversation {
  readonly system: string[];
  readonly messages: GenerateMessage[];
}

/**
 * The items of a conversation, as programs send them and as they were answered, in no vendor's words:
 * https://platform.openai.com/docs/api-reference/responses/create#responses-create-input. What an assistant says in a row is one message.
 * @param instructions come first; what `system` and `developer` say follows them, in its order
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER
 */
export function toConversation(
  instructions: string | undefined,
  items: readonly RequestFields[],
): { readonly systemPrompt: string | undefined; readonly messages: readonly GenerateMessage[] } {
  const conversation: Conversation = { system: instructions ? [instructions] : [], messages: [] };
  for (const item of items) addItem(conversation, item);
  const { system, messages } = conversation;
  return { systemPrompt: system.length === 0 ? undefined : system.join('\n\n'), messages };
}

function addItem(conversation: Conversation, item: RequestFields): void {
  // Which item it is, and how far it had come: of ours, and of no vendor's.
  item.text('id');
  item.text('status');
  switch (item.text('type') ?? 'message') {
    case 'message':
      addMessage(conversation, item);
      break;
    case 'function_call':
      addAssistant(conversation, toolCall(item));
      break;
    case 'function_call_output':
      addResult(conversation, item);
      break;
    case 'reasoning':
      addAssistant(conversation, toReasoningPart(item));
      break;
    default:
      throw unsupported(item.pathOf('type'));
  }
  item.refuseRest();
}

function addMessage(conversation: Conversation, item: RequestFields): void {
  const role = item.oneOf('role', ['user', 'assistant', 'system', 'developer']);
  // Of an answer in several messages: what is said on the way, or in the end.
  item.text('phase');
  const parts = contentParts(item);
  switch (role) {
    case 'user':
      conversation.messages.push({ role, parts });
      break;
    case 'assistant':
      for (const part of parts) addAssistant(conversation, textOnly(part, item));
      break;
    case undefined:
      throw invalid(item.pathOf('role'), 'user or assistant or system or developer');
    default:
      conversation.system.push(parts.map((part) => textOnly(part, item).text).join(''));
  }
}

function addAssistant({ messages }: Conversation, part: AssistantPart | undefined): void {
  if (part === undefined) return;
  const last = messages.at(-1);
  if (last?.role !== 'assistant') messages.push({ role: 'assistant', parts: [part] });
  else messages[messages.length - 1] = { role: 'assistant', parts: [...last.parts, part] };
}

/** The results of parallel calls are one message. */
function addResult({ messages }: Conversation, item: RequestFields): void {
  const output = contentOf(item, 'output');
  const part = { type: 'tool-result', callId: item.requiredText('call_id'), output } as const;
  const last = messages.at(-1);
  if (last?.role !== 'tool') messages.push({ role: 'tool', parts: [part] });
  else messages[messages.length - 1] = { role: 'tool', parts: [...last.parts, part] };
}

function contentParts(item: RequestFields): readonly UserPart[] {
  const content = contentOf(item, 'content');
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function contentOf(item: RequestFields, name: string): string | readonly UserPart[] {
  const content = item.value(name);
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw invalid(item.pathOf(name), 'a string or a list of parts');
  return (item.objects(name) ?? []).map(contentPart);
}

function contentPart(fields: RequestFields): UserPart {
  const part = partOf(fields);
  // Of an answer that was read, and what the SDK adds to it.
  for (const name of ['annotations', 'logprobs', 'parsed']) fields.value(name);
  fields.refuseRest();
  return part;
}

function partOf(fields: RequestFields): UserPart {
  switch (fields.requiredText('type')) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: fields.requiredText('text') };
    case 'refusal':
      return { type: 'text', text: fields.requiredText('refusal') };
    case 'input_image': {
      const url = fields.text('image_url');
      // A file that the vendor keeps is nobody else's to see.
      if (url === undefined) throw unsupported(fields.pathOf('file_id'));
      const detail = fields.oneOf('detail', ['low', 'high', 'auto']);
      return { type: 'image', source: imageSource(url, fields.pathOf('image_url')), ...present({ detail }) };
    }
    default:
      throw unsupported(fields.pathOf('type'));
  }
}

function textOnly(part: UserPart, item: RequestFields): Extract<UserPart, { type: 'text' }> {
  if (part.type !== 'text') throw unsupported(item.pathOf('content'));
  return part;
}

function toolCall(item: RequestFields): AssistantPart {
  const signature = item.object('extra_content')?.object('google')?.text('thought_signature');
  item.value('parsed_arguments'); // The SDK's own, of the same arguments.
  return {
    type: 'tool-call',
    id: item.requiredText('call_id'),
    name: item.requiredText('name'),
    input: item.text('arguments') ?? '{}',
    ...present({ signature }),
  };
}

/** The items of a request, each with an id, by which they are listed. */
export function inputItems(
  fields: RequestFields,
  newId: (prefix: string) => string,
): readonly Readonly<Record<string, unknown>>[] {
  const input = fields.value('input');
  if (typeof input === 'string') {
    return [
      {
        ...{ id: newId('msg'), type: 'message', role: 'user', status: 'completed' },
        content: [{ type: 'input_text', text: input }],
      },
    ];
  }
  if (!Array.isArray(input) || input.length === 0) throw invalid('input', 'a string or a list of items');
  return input.map((item: unknown, index) => {
    if (!isRecord(item)) throw invalid(`input[${index}]`, 'an object');
    const type = typeof item['type'] === 'string' ? item['type'] : 'message';
    return { ...item, type, id: item['id'] ?? newId(prefixes[type] ?? 'item') };
  });
}

const prefixes: Readonly<Partial<Record<string, string>>> = {
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
};
