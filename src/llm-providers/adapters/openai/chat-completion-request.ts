import type OpenAI from 'openai';
import type {
  AssistantPart,
  GenerateMessage,
  GenerateRequest,
  ResponseFormat,
  ToolCallPart,
  ToolChoice,
  ToolDefinition,
  ToolResultPart,
  UserPart,
} from '../../contract/generate-request.js';
import { refuseUnsupported } from '../../contract/refuse-unsupported.js';
import { textOf } from '../../contract/text-of.js';
import { present } from '../../present.js';
import { chatOnlyFields } from './chat-only.js';
import type { OpenAiKind } from './openai-kind.js';
import { effortOf } from './reasoning-effort.js';
import { unsupported } from './refusals.js';

type ChatParams = OpenAI.ChatCompletionCreateParamsStreaming;
type ChatMessage = OpenAI.ChatCompletionMessageParam;

/** What chat completions have a word for. */
const chatCompletionFields: readonly (keyof GenerateRequest)[] = [
  ...chatOnlyFields,
  'temperature',
  'topP',
  'topLogprobs',
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'responseFormat',
  'reasoning',
  'user',
  'metadata',
  'serviceTier',
  'extra',
];

/**
 * The body of POST /chat/completions. https://platform.openai.com/docs/api-reference/chat/create
 * @throws ProviderError unsupported, with the field in `param`
 */
export function toChatCompletionParams(request: GenerateRequest, kind: OpenAiKind): ChatParams {
  refuseUnsupported(kind, request, chatCompletionFields);
  const { model, systemPrompt, messages, maxOutputTokens, tools, toolChoice, responseFormat } = request;
  const system: ChatMessage[] =
    systemPrompt === undefined || systemPrompt.length === 0
      ? []
      : [{ role: 'system', content: textOf(systemPrompt) }];
  return present({
    ...request.extra,
    model,
    messages: [...system, ...messages.flatMap((message) => toChatMessages(message, kind))],
    stream: true,
    stream_options: { include_usage: true },
    ...(maxOutputTokens === undefined ? {} : outputLimit(maxOutputTokens, kind)),
    temperature: request.temperature,
    top_p: request.topP,
    stop: request.stop?.length ? [...request.stop] : undefined,
    seed: request.seed,
    presence_penalty: request.presencePenalty,
    frequency_penalty: request.frequencyPenalty,
    logit_bias: request.logitBias,
    logprobs: request.topLogprobs === undefined ? undefined : true,
    top_logprobs: request.topLogprobs === 0 ? undefined : request.topLogprobs,
    tools: tools?.length ? tools.map(toFunctionTool) : undefined,
    tool_choice: toolChoice === undefined ? undefined : toToolChoice(toolChoice),
    parallel_tool_calls: request.parallelToolCalls,
    response_format: responseFormat === undefined ? undefined : toResponseFormat(responseFormat),
    reasoning_effort: effortOf(request.reasoning, kind),
    user: request.user,
    metadata: request.metadata,
    service_tier: request.serviceTier,
  }) as ChatParams; // The vendor's types name the values of today; the caller's may be newer.
}

function toToolChoice(choice: ToolChoice): OpenAI.ChatCompletionToolChoiceOption {
  return choice.type === 'tool' ? { type: 'function', function: { name: choice.name } } : choice.type;
}

function toResponseFormat(format: ResponseFormat): object {
  if (format.type === 'json') return { type: 'json_object' };
  const { name, description, schema, strict } = format;
  return { type: 'json_schema', json_schema: present({ name, description, schema, strict }) };
}

/** OpenAI deprecates `max_tokens` and its reasoning models refuse it; many other servers know nothing else. */
function outputLimit(tokens: number, kind: OpenAiKind): Partial<ChatParams> {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated by OpenAI, which does not get it
  return kind === 'openai-compatible' ? { max_tokens: tokens } : { max_completion_tokens: tokens };
}

function toChatMessages(message: GenerateMessage, kind: OpenAiKind): readonly ChatMessage[] {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', content: toContent(message.parts) }];
    case 'assistant':
      return [toAssistantMessage(message.parts)];
    case 'tool':
      return message.parts.map(({ callId, output }) => ({
        role: 'tool',
        tool_call_id: callId,
        content: toToolContent(output, kind),
      }));
  }
}

/** A tool tells in text: https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages */
function toToolContent(output: ToolResultPart['output'], kind: OpenAiKind): string {
  if (typeof output !== 'string' && output.some(({ type }) => type === 'image')) {
    throw unsupported(kind, 'messages.parts.output');
  }
  return textOf(output);
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
  strict,
}: ToolDefinition): OpenAI.ChatCompletionFunctionTool {
  return {
    type: 'function',
    function: {
      name,
      parameters: inputSchema,
      ...(description === undefined ? {} : { description }),
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

/** A plain string where there is nothing but text: every server takes that. */
function toContent(parts: readonly UserPart[]): string | OpenAI.ChatCompletionContentPart[] {
  return parts.every(({ type }) => type === 'text') ? textOf(parts) : parts.map(toContentPart);
}

function toContentPart(part: UserPart): OpenAI.ChatCompletionContentPart {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const { source, detail } = part;
  const url = source.type === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
  return { type: 'image_url', image_url: { url, ...(detail === undefined ? {} : { detail }) } };
}
