import type OpenAI from 'openai';
import type { ProviderKind } from '../../contract/connection.js';
import type {
  AssistantPart,
  GenerateMessage,
  GenerateRequest,
  ToolCallPart,
  ToolDefinition,
} from '../../contract/generate-request.js';

type ChatParams = OpenAI.ChatCompletionCreateParamsStreaming;
type ChatMessage = OpenAI.ChatCompletionMessageParam;

/** The body of POST /chat/completions. https://platform.openai.com/docs/api-reference/chat/create */
export function toChatCompletionParams(request: GenerateRequest, kind: ProviderKind): ChatParams {
  const { model, systemPrompt, messages, temperature, maxOutputTokens, stop, tools } = request;
  const system: ChatMessage[] = systemPrompt ? [{ role: 'system', content: systemPrompt }] : [];
  return {
    model,
    messages: [...system, ...messages.flatMap(toChatMessages)],
    stream: true,
    stream_options: { include_usage: true },
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : outputLimit(maxOutputTokens, kind)),
    ...(stop?.length ? { stop: [...stop] } : {}),
    ...(tools?.length ? { tools: tools.map(toFunctionTool) } : {}),
  };
}

/** OpenAI deprecates `max_tokens` and its reasoning models refuse it; many other servers know nothing else. */
function outputLimit(tokens: number, kind: ProviderKind): Partial<ChatParams> {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated by OpenAI, which does not get it
  return kind === 'openai' ? { max_completion_tokens: tokens } : { max_tokens: tokens };
}

function toChatMessages(message: GenerateMessage): readonly ChatMessage[] {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', content: textOf(message.parts) }];
    case 'assistant':
      return [toAssistantMessage(message.parts)];
    case 'tool':
      return message.parts.map(({ callId, output }) => ({
        role: 'tool',
        tool_call_id: callId,
        content: output,
      }));
  }
}

/** Chat completions take no reasoning back, so it stays out. */
function toAssistantMessage(parts: readonly AssistantPart[]): ChatMessage {
  const text = textOf(parts);
  const calls = parts.filter((part): part is ToolCallPart => part.type === 'tool-call');
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(toToolCall) }),
  };
}

function toToolCall({ id, name, input }: ToolCallPart): OpenAI.ChatCompletionMessageFunctionToolCall {
  return { id, type: 'function', function: { name, arguments: input } };
}

function toFunctionTool({
  name,
  description,
  inputSchema,
}: ToolDefinition): OpenAI.ChatCompletionFunctionTool {
  return {
    type: 'function',
    function: { name, parameters: inputSchema, ...(description === undefined ? {} : { description }) },
  };
}

function textOf(parts: readonly AssistantPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
