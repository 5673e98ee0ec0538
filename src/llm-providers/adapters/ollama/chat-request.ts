import type {
  GenerateRequest,
  ReasoningOptions,
  ResponseFormat,
  ToolChoice,
  ToolDefinition,
} from '../../contract/generate-request.js';
import { refuseUnsupported } from '../../contract/refuse-unsupported.js';
import { toMessages } from './chat-messages.js';
import type { OllamaOptions } from './connection-options.js';
import { invalid, unsupported } from './refusals.js';

/** What the chat API has a word for, if only for some of its values. */
const chatFields: readonly (keyof GenerateRequest)[] = [
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
];

/**
 * The body of POST /api/chat, to be made into JSON: what is undefined is not sent. https://docs.ollama.com/api/chat
 * @throws ProviderError unsupported or invalid_request, with the field that is at fault
 */
export function toChatBody(request: GenerateRequest, options: OllamaOptions): object {
  refuseUnsupported('ollama', request, chatFields);
  const { model, topLogprobs, reasoning, responseFormat } = request;
  return {
    model,
    messages: toMessages(request),
    stream: true,
    tools: toTools(request),
    think: reasoning === undefined ? undefined : toThink(reasoning),
    format: responseFormat === undefined ? undefined : toFormat(responseFormat),
    logprobs: topLogprobs === undefined ? undefined : true,
    top_logprobs: topLogprobs === 0 ? undefined : topLogprobs,
    options: toModelOptions(request, options),
    truncate: options.truncate,
    shift: options.shift,
    keep_alive: options.keep_alive,
  };
}

/** https://docs.ollama.com/modelfile#valid-parameters-and-values */
function toModelOptions(request: GenerateRequest, { num_ctx }: OllamaOptions): object | undefined {
  const options = {
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    num_predict: request.maxOutputTokens,
    stop: request.stop?.length ? request.stop : undefined,
    seed: request.seed,
    presence_penalty: request.presencePenalty,
    frequency_penalty: request.frequencyPenalty,
    num_ctx,
  };
  return Object.values(options).some((value) => value !== undefined) ? options : undefined;
}

/**
 * The model decides whether and how often it calls; that it must not call is said by not telling it of the tools.
 * https://docs.ollama.com/capabilities/tool-calling
 */
function toTools({ tools, toolChoice, parallelToolCalls }: GenerateRequest): readonly object[] | undefined {
  if (isForced(toolChoice)) throw unsupported('toolChoice');
  if (parallelToolCalls === false) throw unsupported('parallelToolCalls');
  return tools?.length && toolChoice?.type !== 'none' ? tools.map(toTool) : undefined;
}

function isForced(choice: ToolChoice | undefined): boolean {
  return choice?.type === 'required' || choice?.type === 'tool';
}

function toTool({ name, description, inputSchema, strict }: ToolDefinition): object {
  if (strict === true) throw unsupported('tools.strict');
  return { type: 'function', function: { name, description, parameters: inputSchema } };
}

/**
 * Yes, no, or a word that the model knows (`low`, `high`, `max`, …), which is for the server to say. Who asks for reasoning and not for
 * how much gets what the model does by itself. https://docs.ollama.com/capabilities/thinking
 */
function toThink({ effort, budgetTokens }: ReasoningOptions): boolean | string {
  if (budgetTokens !== undefined && budgetTokens > 0) throw unsupported('reasoning.budgetTokens');
  const isOff = effort === 'none' || effort === 'false';
  if (budgetTokens === 0 && effort !== undefined && !isOff) throw invalid('reasoning.effort');
  if (budgetTokens === 0 || isOff) return false;
  return effort === undefined || effort === 'true' ? true : effort;
}

/**
 * Ollama always holds the model to the schema. A description has its place in it; the name is only a name.
 * https://docs.ollama.com/capabilities/structured-outputs
 */
function toFormat(format: ResponseFormat): string | object {
  if (format.type === 'json') return 'json';
  const { description, schema } = format;
  return description === undefined ? schema : { description, ...schema };
}
