import type { GenerateRequest } from '../../contract/generate-request.js';

/** What chat completions have a word for and Responses do not. */
export const chatOnlyFields = [
  'stop',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'logitBias',
] as const satisfies readonly (keyof GenerateRequest)[];

/** Fields of `extra` that both APIs have, if not in the same place, or Responses alone. */
const extrasOfResponses: ReadonlySet<string> = new Set([
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'verbosity',
  'access_programs',
  'context_management',
  'max_tool_calls',
  'truncation',
]);

/** The first field that asks for something which only chat completions do; many clients send zeroes and empty lists, which ask for nothing. */
export function chatOnlyField(request: GenerateRequest): (typeof chatOnlyFields)[number] | undefined {
  return chatOnlyFields.find((field) => asksForSomething(field, request[field]));
}

export function hasChatExtras({ extra = {} }: GenerateRequest): boolean {
  return Object.keys(extra).some((field) => !extrasOfResponses.has(field));
}

function asksForSomething(field: (typeof chatOnlyFields)[number], value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return field === 'seed' || value !== 0;
}
