import type {
  GenerateMessage,
  GenerateRequest,
  ResponseFormat,
  ToolDefinition,
} from '../../contract/generate-request.js';
import { refuseUnsupported } from '../../contract/refuse-unsupported.js';
import { textOf } from '../../contract/text-of.js';
import { present } from '../../present.js';
import { toContents } from './conversation.js';
import { type ModelRules, rulesOf } from './google-models.js';
import { unsupported } from './refusals.js';
import { toThinkingConfig } from './thinking.js';
import type { FunctionDeclaration, GenerateContentBody, GenerationConfig, ToolConfig } from './wire.js';

/** What generateContent has a word for. */
const generateContentFields: readonly (keyof GenerateRequest)[] = [
  'temperature',
  'topP',
  'topK',
  'stop',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'topLogprobs',
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'responseFormat',
  'reasoning',
  'metadata',
  'serviceTier',
];

/**
 * The body of POST /models/{model}:streamGenerateContent. https://ai.google.dev/api/generate-content#request-body
 * @throws ProviderError unsupported or invalid_request, with the field that is at fault
 */
export function toGenerateContentBody(request: GenerateRequest): GenerateContentBody {
  refuseUnsupported('google', request, generateContentFields);
  const { model, systemPrompt, messages, tools, metadata, serviceTier } = request;
  const rules = rulesOf(model);
  const system = systemPrompt === undefined ? '' : textOf(systemPrompt);
  const generationConfig = toGenerationConfig(request, rules);
  // Models call in parallel as they see fit, and cannot be told not to.
  if (request.parallelToolCalls === false && tools?.length) throw unsupported('parallelToolCalls');
  return present({
    contents: toContents(messages, rules),
    systemInstruction: system === '' ? undefined : { parts: [{ text: system }] },
    tools: tools?.length ? [{ functionDeclarations: tools.map(toFunctionDeclaration) }] : undefined,
    toolConfig: toToolConfig(request),
    generationConfig: Object.keys(generationConfig).length === 0 ? undefined : generationConfig,
    labels: metadata,
    serviceTier,
  });
}

/**
 * The body of POST /models/{model}:countTokens, with all that is part of the prompt. https://ai.google.dev/api/tokens#request-body
 * @param resource `models/{model}`
 */
export function toCountTokensBody(request: GenerateRequest, resource: string): object {
  const { contents, systemInstruction, tools, toolConfig, generationConfig } = toGenerateContentBody(request);
  return {
    generateContentRequest: present({
      model: resource,
      contents,
      systemInstruction,
      tools,
      toolConfig,
      generationConfig,
    }),
  };
}

/** https://ai.google.dev/api/generate-content#generationconfig */
function toGenerationConfig(request: GenerateRequest, rules: ModelRules): GenerationConfig {
  const { stop, topLogprobs, reasoning, responseFormat } = request;
  return present({
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    maxOutputTokens: request.maxOutputTokens,
    stopSequences: stop?.length ? stop : undefined,
    seed: request.seed,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    responseLogprobs: topLogprobs === undefined ? undefined : true,
    logprobs: topLogprobs === 0 ? undefined : topLogprobs,
    thinkingConfig: reasoning && toThinkingConfig(reasoning, rules),
    mediaResolution: toMediaResolution(request.messages),
    ...(responseFormat === undefined ? {} : toResponseFormat(responseFormat)),
  });
}

/**
 * https://ai.google.dev/gemini-api/docs/generate-content/structured-output: the model is always held to the schema. A description has its
 * place in the schema; the name is only a name.
 */
function toResponseFormat(format: ResponseFormat): GenerationConfig {
  const responseMimeType = 'application/json';
  if (format.type === 'json') return { responseMimeType };
  const { description, schema } = format;
  return { responseMimeType, responseJsonSchema: present({ description, ...schema }) };
}

function toFunctionDeclaration({ name, description, inputSchema }: ToolDefinition): FunctionDeclaration {
  // Not `parameters`: that is a part of OpenAPI, which lacks much of JSON Schema.
  return present({ name, description, parametersJsonSchema: inputSchema });
}

/**
 * https://ai.google.dev/gemini-api/docs/generate-content/function-calling#function-calling-modes: without functions the API takes no mode
 * either, and calling none is all that can happen. ANY holds the model to the schemas; so does VALIDATED, where it may also just talk.
 */
function toToolConfig({ tools, toolChoice }: GenerateRequest): ToolConfig | undefined {
  const isStrict = tools?.some(({ strict }) => strict === true) === true;
  const type = toolChoice?.type ?? (isStrict ? 'auto' : undefined);
  if (type === undefined || (!tools?.length && (type === 'auto' || type === 'none'))) return undefined;
  switch (type) {
    case 'auto':
      return { functionCallingConfig: { mode: isStrict ? 'VALIDATED' : 'AUTO' } };
    case 'none':
      return { functionCallingConfig: { mode: 'NONE' } };
    case 'required':
      return { functionCallingConfig: { mode: 'ANY' } };
    case 'tool': {
      const allowedFunctionNames = toolChoice?.type === 'tool' ? [toolChoice.name] : [];
      return { functionCallingConfig: { mode: 'ANY', allowedFunctionNames } };
    }
  }
}

/**
 * How closely to look is said once for the whole request: https://ai.google.dev/gemini-api/docs/generate-content/media-resolution
 * @throws ProviderError unsupported when it is to differ from image to image
 */
function toMediaResolution(messages: readonly GenerateMessage[]): GenerationConfig['mediaResolution'] {
  const [detail, ...others] = new Set(messages.flatMap(detailsOf));
  if (others.length > 0) throw unsupported('messages.parts.detail');
  if (detail === undefined || detail === 'auto') return undefined;
  return detail === 'low' ? 'MEDIA_RESOLUTION_LOW' : 'MEDIA_RESOLUTION_HIGH';
}

function detailsOf({ parts }: GenerateMessage): readonly ('low' | 'high' | 'auto')[] {
  return parts.flatMap((part) => {
    if (part.type === 'image') return [part.detail ?? 'auto'];
    if (part.type !== 'tool-result' || typeof part.output === 'string') return [];
    return part.output.flatMap((output) => (output.type === 'image' ? [output.detail ?? 'auto'] : []));
  });
}
