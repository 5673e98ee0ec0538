import { DomainError } from '../../common/domain-error.js';
import { fromWireId } from '../../common/ids.js';
import { isModelId } from '../../infrastructure/http/model-id.pipe.js';
import { isRecord } from '../../llm-providers/json-shape.js';
import { present } from '../../llm-providers/present.js';
import { refuseTooMany, requestCaps } from '../request-caps.js';
import { invalid, missing, RequestFields, unsupported } from '../request-fields.js';
import type { ProgramRequest } from '../program-calls.service.js';
import { inputItems, toConversation } from './response-items.js';
import { toTextFormat, toTools } from './response-tools.js';

/** https://platform.openai.com/docs/api-reference/responses/create#responses-create-metadata */
const metadataCaps = { pairs: 16, key: 64, value: 512 } as const;

/** What may be shown of an answer that is not by itself. */
const includable = [
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
  // Images are among what was asked, which is shown as it came.
  'message.input_image.image_url',
] as const;

/** A request of /v1/responses, looked at as a whole: it is never passed on as it is. */
export interface ResponseRequest {
  readonly model: string;
  readonly streams: boolean;
  readonly stores: boolean;
  readonly isBackground: boolean;
  /** The UUID of the response that it continues from. */
  readonly previousId: string | undefined;
  readonly includesEncrypted: boolean;
  /** Each with an id. */
  readonly input: readonly Readonly<Record<string, unknown>>[];
  readonly instructions: string | undefined;
  /** In no vendor's words, but for the conversation. */
  readonly parameters: Omit<ProgramRequest, 'messages' | 'systemPrompt'>;
  /** The fields of the request that its response repeats. */
  readonly repeated: Readonly<Record<string, unknown>>;
}

/**
 * https://platform.openai.com/docs/api-reference/responses/create
 * @throws DomainError INVALID_BODY, VALIDATION_FAILED, UNSUPPORTED_PARAMETER, MODEL_NOT_FOUND, PREVIOUS_RESPONSE_NOT_FOUND
 */
export function readResponseRequest(body: unknown, newId: (prefix: string) => string): ResponseRequest {
  if (!isRecord(body)) throw new DomainError('INVALID_BODY');
  const fields = new RequestFields(body);
  const model = fields.requiredText('model');
  if (!isModelId(model)) throw new DomainError('MODEL_NOT_FOUND');
  if (fields.value('input') === undefined) throw missing('input');
  if (Array.isArray(body['input'])) refuseTooMany(fields, 'input', requestCaps.messages);
  refuseTooMany(fields, 'tools', requestCaps.tools);
  const include = toInclude(fields);
  const parameters = toParameters(fields, include);
  return {
    model,
    ...toHandling(fields),
    previousId: toPreviousId(fields),
    includesEncrypted: include.has('reasoning.encrypted_content'),
    input: inputItems(fields, newId),
    instructions: fields.text('instructions'),
    repeated: repeated(fields, body),
    parameters: withExtra(parameters, fields),
  };
}

/** @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER */
export function toProgramRequest(request: ResponseRequest, earlier: readonly unknown[]): ProgramRequest {
  const items = [
    ...earlier.map((item) => RequestFields.from(item, 'previous_response_id')),
    ...request.input.map((item, index) => new RequestFields(item, `input[${index}]`)),
  ];
  const { systemPrompt, messages } = toConversation(request.instructions, items);
  if (messages.length === 0) throw invalid('input', 'a conversation with somebody who says something');
  return { ...request.parameters, ...present({ systemPrompt }), messages };
}

type Handling = Pick<ResponseRequest, 'streams' | 'stores' | 'isBackground'>;

function toHandling(fields: RequestFields): Handling {
  const handling = {
    streams: fields.flag('stream') ?? false,
    stores: fields.flag('store') ?? true,
    isBackground: fields.flag('background') ?? false,
  };
  if (handling.isBackground && !handling.stores) throw invalid('store', 'true where background is');
  if (handling.isBackground && handling.streams) {
    throw unsupported('stream');
  }
  const options = fields.object('stream_options');
  // Noise that evens out the length of events.
  options?.flag('include_obfuscation');
  options?.refuseRest();
  return handling;
}

function toPreviousId(fields: RequestFields): string | undefined {
  // What a vendor or somebody else keeps is nothing that we could show to whoever names it.
  for (const name of ['conversation', 'prompt']) {
    if (fields.value(name) !== undefined) throw unsupported(name);
  }
  const wireId = fields.text('previous_response_id');
  if (wireId === undefined) return undefined;
  const id = fromWireId('response', wireId);
  if (id === undefined)
    throw new DomainError('PREVIOUS_RESPONSE_NOT_FOUND', { param: 'previous_response_id' });
  return id;
}

function toInclude(fields: RequestFields): ReadonlySet<string> {
  const names = fields.texts('include') ?? [];
  const other = names.findIndex((name) => !includable.some((known) => known === name));
  if (other !== -1) throw unsupported(`include[${other}]`);
  return new Set(names);
}

function toParameters(fields: RequestFields, include: ReadonlySet<string>): ResponseRequest['parameters'] {
  const top = fields.integer('top_logprobs', { minimum: 0, maximum: 20 }) ?? 0;
  const asksForLogprobs = include.has('message.output_text.logprobs');
  const tier = fields.text('service_tier');
  const topP = fields.number('top_p');
  return {
    ...toTools(fields),
    temperature: fields.number('temperature'),
    topP: topP === 1 ? undefined : topP,
    maxOutputTokens: fields.integer('max_output_tokens', { minimum: 1 }),
    topLogprobs: asksForLogprobs || top > 0 ? top : undefined,
    parallelToolCalls: fields.flag('parallel_tool_calls') === false ? false : undefined,
    reasoning: toReasoning(fields),
    user: fields.text('safety_identifier') ?? fields.text('user'),
    serviceTier: tier === 'auto' ? undefined : tier,
  };
}

function toReasoning(fields: RequestFields): ProgramRequest['reasoning'] {
  const reasoning = fields.object('reasoning');
  const effort = reasoning?.text('effort');
  const summary = reasoning?.oneOf('summary', ['auto', 'concise', 'detailed']);
  reasoning?.refuseRest();
  return effort === undefined && summary === undefined ? undefined : present({ effort, summary });
}

/** What is left, for vendors of OpenAI's kind. */
function withExtra(
  parameters: ResponseRequest['parameters'],
  fields: RequestFields,
): ResponseRequest['parameters'] {
  const { format, verbosity } = toTextFormat(fields);
  const truncates = fields.oneOf('truncation', ['auto', 'disabled']) === 'auto';
  const extra = {
    ...fields.rest(),
    ...present({ verbosity }),
    ...(truncates ? { truncation: 'auto' } : {}),
  };
  return present({
    ...parameters,
    responseFormat: format,
    extra: Object.keys(extra).length === 0 ? undefined : extra,
  });
}

/** It is kept here, with the response: no vendor is told. */
function readMetadata(fields: RequestFields): Readonly<Record<string, unknown>> {
  const metadata = fields.record('metadata') ?? {};
  const { pairs, key, value } = metadataCaps;
  const entries = Object.entries(metadata);
  if (entries.length > pairs) throw invalid('metadata', `an object of at most ${pairs} keys`);
  for (const [name, text] of entries) {
    if (name.length > key) throw invalid('metadata', `an object whose keys have at most ${key} characters`);
    if (typeof text !== 'string' || text.length > value) {
      throw invalid(`metadata.${name}`, `a string of at most ${value} characters`);
    }
  }
  return metadata;
}

/** As a response has them: https://platform.openai.com/docs/api-reference/responses/object. Defaults are those of OpenAI. */
function repeated(
  fields: RequestFields,
  body: Readonly<Record<string, unknown>>,
): ResponseRequest['repeated'] {
  const reasoning = fields.object('reasoning');
  return {
    background: fields.flag('background') ?? false,
    instructions: fields.text('instructions') ?? null,
    max_output_tokens: fields.number('max_output_tokens') ?? null,
    // Not read, only shown: they are for vendors that know them.
    max_tool_calls: body['max_tool_calls'] ?? null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    metadata: readMetadata(fields),
    parallel_tool_calls: fields.flag('parallel_tool_calls') ?? true,
    previous_response_id: fields.text('previous_response_id') ?? null,
    reasoning: { effort: reasoning?.text('effort') ?? null, summary: reasoning?.text('summary') ?? null },
    safety_identifier: fields.text('safety_identifier') ?? null,
    service_tier: fields.text('service_tier') ?? 'auto',
    store: fields.flag('store') ?? true,
    temperature: fields.number('temperature') ?? 1,
    text: { format: { type: 'text' }, ...fields.record('text') },
    tool_choice: fields.value('tool_choice') ?? 'auto',
    tools: (fields.objects('tools') ?? []).map((tool) => ({
      ...{ type: 'function', name: tool.value('name'), description: tool.value('description') ?? null },
      ...{ parameters: tool.value('parameters') ?? null, strict: tool.value('strict') === true },
    })),
    top_logprobs: fields.number('top_logprobs') ?? 0,
    top_p: fields.number('top_p') ?? 1,
    truncation: fields.text('truncation') ?? 'disabled',
    user: fields.text('user') ?? null,
  };
}
