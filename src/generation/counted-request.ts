import type {
  AssistantPart,
  GenerateMessage,
  GenerateRequest,
  ToolResultPart,
  UserPart,
} from '../llm-providers/contract/generate-request.js';
import { textOf } from '../llm-providers/contract/text-of.js';
import type { MessagePart } from '../messages/message.js';
import { estimateTokens } from '../llm-providers/tokens/estimated-tokens.js';

/** About what a vendor makes of an image in its finer grade: https://platform.openai.com/docs/guides/images-vision#calculating-costs */
const imageTokens = 1000;

/** Tokens of the prompt, as we count them: for what is set aside, and for answers whose provider does not count. */
export function countInput({ systemPrompt = '', messages, tools = [] }: GenerateRequest): number {
  const system = estimateTokens(textOf(systemPrompt));
  const definitions = tools.length === 0 ? 0 : estimateTokens(JSON.stringify(tools));
  return messages.reduce((sum, message) => sum + countMessage(message), system + definitions);
}

/** Tokens of an answer, as we count them. */
export function countOutput(parts: readonly MessagePart[]): number {
  return parts.reduce(
    (sum, part) => sum + estimateTokens(part.type === 'tool_call' ? part.name + part.input : part.text),
    0,
  );
}

function countMessage({ parts }: GenerateMessage): number {
  let tokens = 0;
  for (const part of parts) tokens += countPart(part);
  return tokens;
}

function countPart(part: AssistantPart | UserPart | ToolResultPart): number {
  switch (part.type) {
    case 'image':
      return imageTokens;
    case 'tool-call':
      return estimateTokens(part.name + part.input);
    case 'tool-result':
      return typeof part.output === 'string'
        ? estimateTokens(part.output)
        : part.output.reduce((sum, piece) => sum + countPart(piece), 0);
    default:
      return estimateTokens(part.text);
  }
}
