import type { GenerateResult } from '../../llm-providers/contract/collect.js';
import type { FinishEvent, FinishReason, TokenUsage } from '../../llm-providers/contract/generate-event.js';
import type { AssistantPart, ToolCallPart } from '../../llm-providers/contract/generate-request.js';
import { isRecord } from '../../llm-providers/json-shape.js';
import { toThinkingSignature } from './call-signature.js';

/** What an answer is called, and by whom it is. */
export interface MessageHead {
  readonly id: string;
  readonly model: string;
}

/** https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
const stopReasons: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  other: 'end_turn',
};

/** Reasons that are Anthropic's own, and say more than ours. */
const ownReasons: ReadonlySet<string> = new Set(['pause_turn', 'model_context_window_exceeded']);

/** A message that has everything but what it says, as it begins. */
export function emptyMessage({ id, model }: MessageHead, inputTokens: number): object {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    container: null,
    diagnostics: null,
    ...unfinished,
    usage: { ...usageOf({ inputTokens, outputTokens: 0 }), ...unsaid },
  };
}

/** A whole message: https://platform.claude.com/docs/en/api/messages/create#response */
export function toMessage(head: MessageHead, result: GenerateResult): object {
  const { usage = { inputTokens: 0, outputTokens: 0 } } = result;
  return {
    ...emptyMessage(head, 0),
    content: result.parts.flatMap(toBlocks),
    ...stopOf(
      result,
      result.parts.some(({ type }) => type === 'tool-call'),
    ),
    usage: { ...usageOf(usage), ...unsaid },
  };
}

const unfinished = { stop_reason: null, stop_sequence: null, stop_details: null };

/** Of the usage, what nobody but Anthropic tells. */
const unsaid = { cache_creation: null, inference_geo: null, service_tier: null, speed: null };

/**
 * How a message ended, and why. Which of the stop sequences it was no vendor says but Anthropic.
 * @param callsTools for reasons that mean nothing to us
 */
export function stopOf(
  { reason, rawReason }: Pick<FinishEvent, 'reason' | 'rawReason'>,
  callsTools: boolean,
): object {
  const isRefusal = reason === 'content_filter';
  const stop = reason === 'other' && callsTools ? stopReasons.tool_calls : stopReasons[reason];
  return {
    stop_reason: ownReasons.has(rawReason) ? rawReason : stop,
    stop_sequence: null,
    stop_details: isRefusal ? { type: 'refusal', category: null, explanation: null } : null,
  };
}

/** What was read from a cache or written to one is no part of the input there, but stands beside it. */
export function usageOf(usage: TokenUsage): object {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteInputTokens, reasoningTokens } = usage;
  return {
    input_tokens: Math.max(0, inputTokens - (cachedInputTokens ?? 0) - (cacheWriteInputTokens ?? 0)),
    cache_read_input_tokens: cachedInputTokens ?? null,
    cache_creation_input_tokens: cacheWriteInputTokens ?? null,
    output_tokens: outputTokens,
    output_tokens_details: reasoningTokens === undefined ? null : { thinking_tokens: reasoningTokens },
    server_tool_use: null,
  };
}

function toBlocks(part: AssistantPart): readonly object[] {
  switch (part.type) {
    case 'text':
      return [textBlock(part.text)];
    case 'reasoning':
      return [
        part.redacted === undefined ? thinkingBlock(part.text, part.signature) : redactedBlock(part.redacted),
      ];
    case 'tool-call': {
      const { signature } = part;
      const signed = signature === undefined ? [] : [thinkingBlock('', toThinkingSignature(signature))];
      return [...signed, toolUseBlock(part, toInput(part.input))];
    }
  }
}

export function textBlock(text: string): object {
  return { type: 'text', text, citations: null };
}

export function thinkingBlock(thinking: string, signature = ''): object {
  return { type: 'thinking', thinking, signature };
}

export function redactedBlock(data: string): object {
  return { type: 'redacted_thinking', data };
}

export function toolUseBlock({ id, name }: Pick<ToolCallPart, 'id' | 'name'>, input: object): object {
  return { type: 'tool_use', id, name, input, caller: { type: 'direct' } };
}

/** An object, always; what the model wrote instead of one is shown in the way that Anthropic advises to give it back. */
function toInput(input: string): object {
  if (input === '') return {};
  try {
    const value: unknown = JSON.parse(input);
    if (isRecord(value)) return value;
  } catch {
    // What follows is for this, too.
  }
  return { INVALID_JSON: input };
}
