import type {
  AssistantPart,
  GenerateMessage,
  GenerateRequest,
  ImagePart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '../../contract/generate-request.js';
import { textOf } from '../../contract/text-of.js';
import { isRecord } from '../../json-shape.js';
import { unsupported } from './refusals.js';

/** https://docs.ollama.com/api/chat; what is undefined is not sent. */
export interface OllamaMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly thinking?: string | undefined;
  /** Base64, and nothing else. */
  readonly images?: readonly string[] | undefined;
  readonly tool_calls?: readonly OllamaToolCall[] | undefined;
  readonly tool_name?: string | undefined;
  readonly tool_call_id?: string | undefined;
}

interface OllamaToolCall {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

/**
 * The system prompt and the conversation. Whether a tool failed is only in its output, because the API has no field for it.
 * @throws ProviderError unsupported
 */
export function toMessages({
  systemPrompt,
  messages,
}: Pick<GenerateRequest, 'systemPrompt' | 'messages'>): readonly OllamaMessage[] {
  const toolNames = new Map<string, string>();
  const system = systemPrompt === undefined ? '' : textOf(systemPrompt);
  return [
    ...(system === '' ? [] : [{ role: 'system', content: system } as const]),
    ...messages.flatMap((message) => toOllamaMessages(message, toolNames)),
  ];
}

/** @param toolNames of the calls so far, by id; grows with those of this message */
function toOllamaMessages(
  message: GenerateMessage,
  toolNames: Map<string, string>,
): readonly OllamaMessage[] {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', ...toContent(message.parts) }];
    case 'assistant':
      for (const call of toolCallsOf(message.parts)) toolNames.set(call.id, call.name);
      return [toAssistantMessage(message.parts)];
    case 'tool':
      return message.parts.map((result) => toToolMessage(result, toolNames.get(result.callId)));
  }
}

/** Text and images are apart: where in the text an image was cannot be said. https://docs.ollama.com/capabilities/vision */
function toContent(parts: readonly UserPart[]): Pick<OllamaMessage, 'content' | 'images'> {
  const images = parts.filter((part): part is ImagePart => part.type === 'image').map(toImage);
  return { content: textOf(parts), images: images.length === 0 ? undefined : images };
}

function toImage({ source, detail }: ImagePart): string {
  if (source.type === 'url') throw unsupported('messages.parts.source');
  if (detail !== undefined && detail !== 'auto') throw unsupported('messages.parts.detail');
  return source.data;
}

/** Models want their thoughts back together with their calls: https://docs.ollama.com/capabilities/tool-calling */
function toAssistantMessage(parts: readonly AssistantPart[]): OllamaMessage {
  const thinking = parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
  const calls = toolCallsOf(parts);
  return {
    role: 'assistant',
    content: textOf(parts),
    thinking: thinking === '' ? undefined : thinking,
    tool_calls: calls.length === 0 ? undefined : calls.map(toToolCall),
  };
}

function toolCallsOf(parts: readonly AssistantPart[]): readonly ToolCallPart[] {
  return parts.filter((part): part is ToolCallPart => part.type === 'tool-call');
}

function toToolCall({ id, name, input }: ToolCallPart): OllamaToolCall {
  return { id, function: { name, arguments: toArguments(input) } };
}

/** The API takes nothing but an object; what is none is kept as it was written, for the model to see. */
function toArguments(input: string): Readonly<Record<string, unknown>> {
  if (input === '') return {};
  try {
    const value: unknown = JSON.parse(input);
    if (isRecord(value)) return value;
  } catch {
    // What follows is for this, too.
  }
  return { INVALID_JSON: input };
}

/** @param toolName undefined when the call is not part of the conversation any more */
function toToolMessage({ callId, output }: ToolResultPart, toolName: string | undefined): OllamaMessage {
  const content = typeof output === 'string' ? { content: output } : toContent(output);
  return { role: 'tool', ...content, tool_name: toolName, tool_call_id: callId };
}
