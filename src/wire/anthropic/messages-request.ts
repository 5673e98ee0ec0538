import type {
  ReasoningOptions,
  ResponseFormat,
  ToolDefinition,
} from '../../llm-providers/contract/generate-request.js';
import { DomainError } from '../../common/domain-error.js';
import { isModelId } from '../../infrastructure/http/model-id.pipe.js';
import { isRecord } from '../../llm-providers/json-shape.js';
import { present } from '../../llm-providers/present.js';
import type { ProgramRequest } from '../program-calls.service.js';
import { toCacheControl, toConversation, toTextParts } from './messages-content.js';
import { refuseTooMany, requestCaps } from '../request-caps.js';
import { invalid, missing, RequestFields, unsupported } from '../request-fields.js';

/** What is looked at of every request, be it passed on or not. */
interface Messages {
  readonly body: Readonly<Record<string, unknown>>;
  /** The name of the model. */
  readonly model: string;
}

/** What is asked for where an answer is wanted. */
interface AnswerRequest extends Messages {
  readonly maxTokens: number;
  readonly streams: boolean;
}

/** @throws DomainError INVALID_BODY, VALIDATION_FAILED, MODEL_NOT_FOUND */
export function readMessages(body: unknown): Messages {
  if (!isRecord(body)) throw new DomainError('INVALID_BODY');
  const fields = new RequestFields(body);
  const model = fields.requiredText('model');
  if (!isModelId(model)) throw new DomainError('MODEL_NOT_FOUND');
  const messages = fields.list('messages');
  if (messages === undefined) throw missing('messages');
  if (messages.length === 0) throw invalid('messages', 'a list of at least one');
  refuseTooMany(fields, 'messages', requestCaps.messages);
  refuseTooMany(fields, 'tools', requestCaps.tools);
  refuseTooMany(fields, 'stop_sequences', requestCaps.stop);
  return { body, model };
}

/** @throws DomainError INVALID_BODY, VALIDATION_FAILED, MODEL_NOT_FOUND */
export function readAnswerRequest(body: unknown): AnswerRequest {
  const messages = readMessages(body);
  const fields = new RequestFields(messages.body);
  const maxTokens = fields.integer('max_tokens', { minimum: 1 });
  if (maxTokens === undefined) throw missing('max_tokens');
  return { ...messages, maxTokens, streams: fields.flag('stream') ?? false };
}

/**
 * What a request to POST /v1/messages, or to count its tokens, means in no vendor's words.
 * https://platform.claude.com/docs/en/api/messages/create
 * @throws DomainError VALIDATION_FAILED, and UNSUPPORTED_PARAMETER naming the field that only Anthropic knows
 */
export function toProgramRequest(body: Messages['body']): ProgramRequest {
  const fields = new RequestFields(body);
  for (const known of ['model', 'stream']) fields.value(known);
  const { system, messages } = toConversation(fields.objects('messages') ?? []);
  const prompt = fields.value('system') === undefined ? [] : toTextParts(fields, 'system');
  const reasoning = toReasoning(fields);
  const request = present({
    systemPrompt: prompt.length + system.length === 0 ? undefined : [...prompt, ...system],
    messages,
    maxOutputTokens: fields.integer('max_tokens', { minimum: 1 }),
    stop: fields.texts('stop_sequences'),
    temperature: fields.number('temperature'),
    topP: fields.number('top_p'),
    topK: fields.integer('top_k', { minimum: 0 }),
    tools: fields.objects('tools')?.map(toTool),
    ...toToolChoice(fields.object('tool_choice')),
    responseFormat: toResponseFormat(fields),
    reasoning: Object.keys(reasoning).length === 0 ? undefined : reasoning,
    user: toUser(fields.object('metadata')),
    serviceTier: toServiceTier(fields),
  });
  fields.refuseRest();
  return request;
}

/** A tool that the vendor runs itself, such as `web_search_20250305`, no other vendor can run. */
function toTool(tool: RequestFields): ToolDefinition {
  if ((tool.text('type') ?? 'custom') !== 'custom') throw unsupported(tool.pathOf('type'));
  // How soon the pieces of a call are sent: each vendor does that in its own way.
  tool.flag('eager_input_streaming');
  if (tool.flag('defer_loading') === true) throw unsupported(tool.pathOf('defer_loading'));
  const callers = tool.texts('allowed_callers') ?? [];
  if (callers.some((caller) => caller !== 'direct')) throw unsupported(tool.pathOf('allowed_callers'));
  const definition = present({
    name: tool.requiredText('name'),
    description: tool.text('description'),
    inputSchema: tool.requiredRecord('input_schema'),
    strict: tool.flag('strict'),
    cacheControl: toCacheControl(tool),
  });
  tool.refuseRest();
  return definition;
}

function toToolChoice(
  choice: RequestFields | undefined,
): Pick<ProgramRequest, 'toolChoice' | 'parallelToolCalls'> {
  if (choice === undefined) return {};
  const type = choice.requiredText('type');
  const oneAtATime = choice.flag('disable_parallel_tool_use') === true ? { parallelToolCalls: false } : {};
  const name = type === 'tool' ? choice.requiredText('name') : '';
  choice.refuseRest();
  switch (type) {
    case 'auto':
    case 'none':
      return { toolChoice: { type }, ...oneAtATime };
    case 'any':
      return { toolChoice: { type: 'required' }, ...oneAtATime };
    case 'tool':
      return { toolChoice: { type, name }, ...oneAtATime };
    default:
      throw unsupported(choice.pathOf('type'));
  }
}

/** https://platform.claude.com/docs/en/build-with-claude/thinking: of how much to think others know a level, or a number of tokens. */
function toReasoning(fields: RequestFields): ReasoningOptions {
  const effort = fields.object('output_config')?.text('effort');
  return { ...present({ effort }), ...toThinking(fields.object('thinking')) };
}

function toThinking(thinking: RequestFields | undefined): ReasoningOptions {
  if (thinking === undefined) return {};
  const type = thinking.requiredText('type');
  if ((thinking.text('display') ?? 'summarized') !== 'summarized') {
    throw unsupported(thinking.pathOf('display'));
  }
  const budgetTokens = type === 'enabled' ? thinking.integer('budget_tokens', { minimum: 1 }) : 0;
  thinking.refuseRest();
  switch (type) {
    case 'enabled':
      if (budgetTokens === undefined) throw missing(thinking.pathOf('budget_tokens'));
      return { budgetTokens };
    case 'disabled':
      return { budgetTokens: 0 };
    case 'adaptive':
      // As every other model that thinks does by itself.
      return {};
    default:
      throw unsupported(thinking.pathOf('type'));
  }
}

/** https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
function toResponseFormat(fields: RequestFields): ResponseFormat | undefined {
  const config = fields.object('output_config');
  config?.value('effort');
  const format = config?.object('format');
  config?.refuseRest();
  if (format === undefined) return undefined;
  if (format.requiredText('type') !== 'json_schema') throw unsupported(format.pathOf('type'));
  const schema = format.requiredRecord('schema');
  format.refuseRest();
  return { type: 'json-schema', name: 'output', schema, strict: true };
}

function toUser(metadata: RequestFields | undefined): string | undefined {
  const user = metadata?.text('user_id');
  metadata?.refuseRest();
  return user;
}

/** `auto` is what happens where nothing is said. */
function toServiceTier(fields: RequestFields): string | undefined {
  const tier = fields.text('service_tier');
  return tier === 'auto' ? undefined : tier;
}
