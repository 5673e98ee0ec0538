import type OpenAI from 'openai';
import type {
  GenerateRequest,
  ResponseFormat,
  ToolChoice,
  ToolDefinition,
} from '../../contract/generate-request.js';
import { refuseUnsupported } from '../../contract/refuse-unsupported.js';
import { textOf } from '../../contract/text-of.js';
import { present } from '../../present.js';
import { chatOnlyField, chatOnlyFields } from './chat-only.js';
import type { OpenAiOptions } from './connection-options.js';
import { describeModel } from './openai-models.js';
import type { OpenAiKind } from './openai-kind.js';
import { effortOf } from './reasoning-effort.js';
import { unsupported } from './refusals.js';
import { toInputItems } from './responses-input.js';

type Params = OpenAI.Responses.ResponseCreateParamsStreaming;

/** What Responses have a word for, and those of chat completions, which are refused when they ask for something. */
const responseFields: readonly (keyof GenerateRequest)[] = [
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
 * The body of POST /responses. Nothing is stored with the vendor: a conversation is ours, and sent whole.
 * https://platform.openai.com/docs/api-reference/responses/create
 * @throws ProviderError unsupported, with the field in `param`
 */
export function toResponseParams(
  request: GenerateRequest,
  kind: OpenAiKind,
  { reasoningSummary }: Pick<OpenAiOptions, 'reasoningSummary'>,
): Params {
  refuseUnsupported(kind, request, responseFields);
  const chatOnly = chatOnlyField(request);
  if (chatOnly !== undefined) throw unsupported(kind, chatOnly);
  const { model, systemPrompt, topLogprobs, tools, toolChoice, user } = request;
  const { verbosity, ...extra } = request.extra ?? {};
  const effort = effortOf(request.reasoning, kind);
  const reasons = effort === undefined ? isReasoningModel(model, kind) : effort !== 'none';
  const include = [
    ...(reasons ? ['reasoning.encrypted_content'] : []),
    ...(topLogprobs === undefined ? [] : ['message.output_text.logprobs']),
  ];
  return present({
    ...extra,
    model,
    stream: true,
    store: false,
    instructions: systemPrompt?.length ? textOf(systemPrompt) : undefined,
    input: toInputItems(request.messages),
    include: include.length > 0 ? include : undefined,
    max_output_tokens: request.maxOutputTokens,
    temperature: request.temperature,
    top_p: request.topP,
    top_logprobs: topLogprobs,
    tools: tools?.length ? tools.map(toFunctionTool) : undefined,
    tool_choice: toolChoice === undefined ? undefined : toToolChoice(toolChoice),
    parallel_tool_calls: request.parallelToolCalls,
    text: toTextConfig(request.responseFormat, verbosity),
    reasoning: toReasoning(effort, reasons, request.reasoning?.summary ?? reasoningSummary),
    // OpenAI has a new word for it, which others do not know yet.
    ...(user === undefined ? {} : kind === 'openai' ? { safety_identifier: user } : { user }),
    metadata: request.metadata,
    service_tier: request.serviceTier,
  }) as Params; // The vendor's types name the values of today; the caller's may be newer.
}

/** By its name; models that do not reason refuse to be asked for what they thought. */
export function isReasoningModel(model: string, kind: OpenAiKind): boolean {
  return describeModel(model, kind).capabilities.includes('reasoning');
}

/** https://platform.openai.com/docs/guides/reasoning#reasoning-summaries: who asks for an effort wants to see what came of it. */
function toReasoning(
  effort: string | undefined,
  reasons: boolean,
  wanted: OpenAiOptions['reasoningSummary'],
): object | undefined {
  const summary = wanted ?? (effort === undefined ? 'none' : 'auto');
  const shown = reasons && summary !== 'none' ? summary : undefined;
  return effort === undefined && shown === undefined ? undefined : present({ effort, summary: shown });
}

/** Absent means strict here and free in chat completions, so it is always said. */
function toFunctionTool({ name, description, inputSchema, strict = false }: ToolDefinition): object {
  return present({ type: 'function', name, description, parameters: inputSchema, strict });
}

function toToolChoice(choice: ToolChoice): OpenAI.Responses.ResponseCreateParams['tool_choice'] {
  return choice.type === 'tool' ? { type: 'function', name: choice.name } : choice.type;
}

/** @param verbosity the one field that chat completions have in another place */
function toTextConfig(format: ResponseFormat | undefined, verbosity: unknown): object | undefined {
  if (format === undefined && verbosity === undefined) return undefined;
  return present({ format: format === undefined ? undefined : toFormat(format), verbosity });
}

function toFormat(format: ResponseFormat): object {
  if (format.type === 'json') return { type: 'json_object' };
  const { name, description, schema, strict } = format;
  return present({ type: 'json_schema', name, description, schema, strict });
}
