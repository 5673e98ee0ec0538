import type Anthropic from '@anthropic-ai/sdk';
import type {
  GenerateRequest,
  ResponseFormat,
  TextPart,
  ToolDefinition,
} from '../../contract/generate-request.js';
import { refuseUnsupported } from '../../contract/refuse-unsupported.js';
import { maxOutputTokensOf, type ModelRules, rulesOf } from './anthropic-models.js';
import { toCacheControl, toMessages, toTextBlocks } from './message-content.js';
import { present } from '../../present.js';
import { unsupported } from './refusals.js';
import { type Sampling, toSampling } from './sampling.js';
import { asksToThink, toThinking } from './thinking.js';

/** What the Messages API has a word for. */
const messageFields: readonly (keyof GenerateRequest)[] = [
  'temperature',
  'topP',
  'topK',
  'stop',
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'responseFormat',
  'reasoning',
  'user',
  'serviceTier',
];

type MessageParams = Anthropic.MessageCreateParamsStreaming & Sampling;

/**
 * The body of POST /v1/messages. https://platform.claude.com/docs/en/api/messages/create
 * @throws ProviderError unsupported or invalid_request, with the field that is at fault
 */
export function toMessageParams(request: GenerateRequest): MessageParams {
  refuseUnsupported('anthropic', request, messageFields);
  const { model, stop, user, tools } = request;
  const rules = rulesOf(model);
  const maxTokens = request.maxOutputTokens ?? maxOutputTokensOf(model);
  const { thinking, effort } = toThinking(request.reasoning, rules, maxTokens);
  return present({
    model,
    max_tokens: maxTokens,
    stream: true as const,
    system: toSystem(request.systemPrompt),
    messages: toMessages(request.messages),
    tools: tools?.length ? tools.map(toTool) : undefined,
    tool_choice: toToolChoice(request, rules),
    stop_sequences: stop?.length ? [...stop] : undefined,
    ...toSampling(request, rules, asksToThink(thinking)),
    thinking,
    output_config: toOutputConfig(effort, request.responseFormat),
    metadata: user === undefined ? undefined : { user_id: user },
    // The vendor's types name the values of today; the caller's may be newer.
    service_tier: request.serviceTier as Anthropic.MessageCreateParams['service_tier'],
  });
}

/** The body of POST /v1/messages/count_tokens. https://platform.claude.com/docs/en/api/messages/count_tokens */
export function toCountTokensParams(request: GenerateRequest): Anthropic.MessageCountTokensParams {
  const { model, system, messages, tools, tool_choice, thinking, output_config } = toMessageParams(request);
  return present({ model, system, messages, tools, tool_choice, thinking, output_config });
}

function toSystem(
  prompt: string | readonly TextPart[] | undefined,
): string | Anthropic.TextBlockParam[] | undefined {
  const system = typeof prompt === 'object' ? toTextBlocks(prompt) : prompt;
  return system?.length ? system : undefined;
}

function toTool({ name, description, inputSchema, strict, cacheControl }: ToolDefinition): Anthropic.Tool {
  return present({
    name,
    description,
    // Whether it is the schema of an object is for the vendor to say.
    input_schema: inputSchema as Anthropic.Tool.InputSchema,
    strict,
    cache_control: toCacheControl(cacheControl),
  });
}

/**
 * https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools#controlling-claudes-output: without tools the API
 * takes no choice either, and calling none is all that can happen.
 */
function toToolChoice(
  { tools, toolChoice, parallelToolCalls }: GenerateRequest,
  { forcedTools }: ModelRules,
): Anthropic.ToolChoice | undefined {
  const choice = toolChoice ?? { type: 'auto' };
  const isForced = choice.type === 'required' || choice.type === 'tool';
  if (isForced && !forcedTools) throw unsupported('toolChoice');
  if (!isForced && !tools?.length) return undefined;
  const oneAtATime = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  switch (choice.type) {
    case 'none':
      return { type: 'none' };
    case 'auto':
      return toolChoice === undefined && parallelToolCalls !== false
        ? undefined
        : { type: 'auto', ...oneAtATime };
    case 'required':
      return { type: 'any', ...oneAtATime };
    case 'tool':
      return { type: 'tool', name: choice.name, ...oneAtATime };
  }
}

function toOutputConfig(
  effort: string | undefined,
  responseFormat: ResponseFormat | undefined,
): Anthropic.OutputConfig | undefined {
  if (effort === undefined && responseFormat === undefined) return undefined;
  return present({
    // The vendor's types name the levels of today; the caller's may be newer.
    effort: effort as Anthropic.OutputConfig['effort'],
    format: responseFormat && toOutputFormat(responseFormat),
  });
}

/**
 * https://platform.claude.com/docs/en/build-with-claude/structured-outputs: the vendor knows no JSON without a schema, and always holds
 * the model to the schema. A description has its place in the schema; the name is only a name.
 */
function toOutputFormat(format: ResponseFormat): Anthropic.JSONOutputFormat {
  if (format.type === 'json') throw unsupported('responseFormat');
  const { description, schema } = format;
  return { type: 'json_schema', schema: present({ description, ...schema }) };
}
