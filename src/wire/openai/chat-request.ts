import type {
  ResponseFormat,
  ToolChoice,
  ToolDefinition,
} from '../../llm-providers/contract/generate-request.js';
import { present } from '../../llm-providers/present.js';
import type { ProgramRequest } from '../program-calls.service.js';
import { toConversation } from './chat-messages.js';
import { invalid, RequestFields, unsupported } from '../request-fields.js';

/** Of a tool that takes none. */
const noArguments = { type: 'object', properties: {} } as const;

/** What `RequestHead` says. */
const readBefore = ['model', 'stream', 'max_completion_tokens', 'max_tokens'] as const;

/**
 * A chat completion in no vendor's words: https://platform.openai.com/docs/api-reference/chat/create. What is as it would be without it is
 * left out, so that no vendor has to refuse it; fields that are not known here go to `extra`.
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER
 */
export function toChatRequest(body: Readonly<Record<string, unknown>>): ProgramRequest {
  const fields = new RequestFields(body);
  for (const name of readBefore) fields.value(name);
  const messages = fields.objects('messages') ?? [];
  if (messages.length === 0) throw invalid('messages', 'a list of at least one message');
  const { tools, toolChoice } = toTools(fields);
  const request = {
    ...toConversation(messages),
    ...sampling(fields),
    maxOutputTokens: fields.number('max_completion_tokens') ?? fields.number('max_tokens'),
    topLogprobs: toTopLogprobs(fields),
    tools: tools.length === 0 ? undefined : tools,
    toolChoice,
    parallelToolCalls: fields.flag('parallel_tool_calls') === false ? false : undefined,
    responseFormat: toResponseFormat(fields),
    reasoning: toReasoning(fields),
    metadata: toMetadata(fields),
    ...(fields.text('service_tier') === 'auto' ? {} : { serviceTier: fields.text('service_tier') }),
  };
  refuseVariants(fields);
  const extra = fields.rest();
  return present({ ...request, extra: Object.keys(extra).length === 0 ? undefined : extra });
}

/** What chat completions and legacy ones have in common. */
export function sampling(
  fields: RequestFields,
): Pick<
  ProgramRequest,
  'temperature' | 'topP' | 'stop' | 'seed' | 'presencePenalty' | 'frequencyPenalty' | 'logitBias' | 'user'
> {
  const bias = fields.record('logit_bias') ?? {};
  const wrong = Object.keys(bias).find((token) => typeof bias[token] !== 'number');
  if (wrong !== undefined) throw invalid(`logit_bias.${wrong}`, 'a number');
  return {
    temperature: fields.number('temperature'),
    topP: unless(1, fields.number('top_p')),
    stop: toStop(fields),
    seed: fields.integer('seed', { minimum: Number.MIN_SAFE_INTEGER }),
    presencePenalty: unless(0, fields.number('presence_penalty')),
    frequencyPenalty: unless(0, fields.number('frequency_penalty')),
    // Each was looked at.
    logitBias: Object.keys(bias).length === 0 ? undefined : (bias as Readonly<Record<string, number>>),
    user: fields.text('user'),
  };
}

function unless(usual: number, value: number | undefined): number | undefined {
  return value === usual ? undefined : value;
}

function toStop(fields: RequestFields): readonly string[] | undefined {
  const stop = fields.value('stop');
  if (stop === undefined) return undefined;
  const texts: readonly unknown[] = Array.isArray(stop) ? stop : [stop];
  if (!texts.every((text) => typeof text === 'string'))
    throw invalid('stop', 'a string or a list of strings');
  return texts.length === 0 ? undefined : texts;
}

function toTopLogprobs(fields: RequestFields): number | undefined {
  const isAsked = fields.flag('logprobs') ?? false;
  const top = fields.integer('top_logprobs', { minimum: 0, maximum: 20 }) ?? 0;
  if (!isAsked && top > 0) throw invalid('logprobs', 'true when top_logprobs is given');
  return isAsked ? top : undefined;
}

/** What several answers, the vendor's storage and other media than text ask for has no word of ours. */
function refuseVariants(fields: RequestFields): void {
  if ((fields.number('n') ?? 1) !== 1) throw unsupported('n');
  if (fields.flag('store') === true) throw unsupported('store');
  const modalities = fields.list('modalities') ?? [];
  if (modalities.some((modality) => modality !== 'text')) throw unsupported('modalities');
  const stream = fields.object('stream_options');
  stream?.flag('include_usage');
  // Noise that evens out the length of chunks: on by default at OpenAI, and nowhere else.
  stream?.flag('include_obfuscation');
  stream?.refuseRest();
}

function toReasoning(fields: RequestFields): ProgramRequest['reasoning'] {
  const effort = fields.text('reasoning_effort');
  return effort === undefined ? undefined : { effort };
}

function toMetadata(fields: RequestFields): ProgramRequest['metadata'] {
  const metadata = fields.record('metadata') ?? {};
  const wrong = Object.keys(metadata).find((key) => typeof metadata[key] !== 'string');
  if (wrong !== undefined) throw invalid(`metadata.${wrong}`, 'a string');
  // Each was looked at.
  return Object.keys(metadata).length === 0 ? undefined : (metadata as Readonly<Record<string, string>>);
}

interface Tools {
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice | undefined;
}

function toTools(fields: RequestFields): Tools {
  const tools = (fields.objects('tools') ?? []).map(toTool);
  const choice = fields.value('tool_choice');
  if (choice === undefined) return { tools, toolChoice: undefined };
  if (typeof choice === 'string') {
    const type = fields.oneOf('tool_choice', ['none', 'auto', 'required']);
    const isUsual = type === 'auto' || (type === 'none' && tools.length === 0);
    return { tools, toolChoice: type === undefined || isUsual ? undefined : { type } };
  }
  return chosen(fields.requiredObject('tool_choice'), tools);
}

function chosen(choice: RequestFields, tools: readonly ToolDefinition[]): Tools {
  const type = choice.requiredText('type');
  if (type === 'function') {
    const name = choice.requiredObject('function').requiredText('name');
    choice.refuseRest();
    return { tools, toolChoice: { type: 'tool', name } };
  }
  if (type !== 'allowed_tools') throw unsupported(choice.pathOf('type'));
  const allowed = choice.requiredObject('allowed_tools');
  const names = (allowed.objects('tools') ?? []).map((tool) =>
    tool.requiredObject('function').requiredText('name'),
  );
  const mode = allowed.oneOf('mode', ['auto', 'required']);
  choice.refuseRest();
  return {
    // What may not be called need not be told.
    tools: tools.filter(({ name }) => names.includes(name)),
    toolChoice: mode === 'required' ? { type: 'required' } : undefined,
  };
}

function toTool(tool: RequestFields): ToolDefinition {
  if ((tool.text('type') ?? 'function') !== 'function') throw unsupported(tool.pathOf('type'));
  const described = tool.requiredObject('function');
  const definition = present({
    name: described.requiredText('name'),
    description: described.text('description'),
    inputSchema: described.record('parameters') ?? noArguments,
    strict: described.flag('strict') === true ? true : undefined,
  });
  described.refuseRest();
  tool.refuseRest();
  return definition;
}

function toResponseFormat(fields: RequestFields): ResponseFormat | undefined {
  const format = fields.object('response_format');
  if (format === undefined) return undefined;
  const type = format.oneOf('type', ['text', 'json_object', 'json_schema']);
  const asked = type === 'json_schema' ? format.requiredObject('json_schema') : undefined;
  format.refuseRest();
  if (type === undefined) throw invalid('response_format.type', 'text or json_object or json_schema');
  if (asked === undefined) return type === 'json_object' ? { type: 'json' } : undefined;
  const schema = present({
    type: 'json-schema' as const,
    name: asked.requiredText('name'),
    description: asked.text('description'),
    schema: asked.record('schema') ?? {},
    strict: asked.flag('strict'),
  });
  asked.refuseRest();
  return schema;
}
