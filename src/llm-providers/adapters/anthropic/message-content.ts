import type Anthropic from '@anthropic-ai/sdk';
import type {
  AssistantPart,
  CacheControl,
  GenerateMessage,
  ImagePart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '../../contract/generate-request.js';
import { isRecord } from '../../json-shape.js';
import { present } from '../../present.js';
import { unsupported } from './refusals.js';

type Block = Anthropic.ContentBlockParam;

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: Block[];
}

/**
 * A conversation as alternating turns of user and assistant: the results of parallel calls, and what the user says
 * after them, are one turn. Turns in which nobody says anything are left out, because the API refuses them.
 * https://platform.claude.com/docs/en/api/messages/create, https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
 * @throws ProviderError unsupported
 */
export function toMessages(messages: readonly GenerateMessage[]): Anthropic.MessageParam[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const content = toBlocks(message);
    const last = turns.at(-1);
    if (content.length === 0) continue;
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  return turns;
}

/** Blocks of text; the API refuses empty ones. */
export function toTextBlocks(parts: readonly TextPart[]): Anthropic.TextBlockParam[] {
  return parts.filter(({ text }) => text !== '').map(toTextBlock);
}

/** https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
export function toCacheControl(
  cacheControl: CacheControl | undefined,
): Anthropic.CacheControlEphemeral | undefined {
  return cacheControl && present({ type: 'ephemeral' as const, ttl: cacheControl.ttl });
}

function toBlocks(message: GenerateMessage): Block[] {
  switch (message.role) {
    case 'user':
      return toUserBlocks(message.parts);
    case 'assistant':
      return message.parts.flatMap(toAssistantBlocks);
    case 'tool':
      return message.parts.map(toToolResult);
  }
}

function toUserBlocks(parts: readonly UserPart[]): (Anthropic.TextBlockParam | Anthropic.ImageBlockParam)[] {
  return parts
    .filter((part) => part.type !== 'text' || part.text !== '')
    .map((part) => (part.type === 'text' ? toTextBlock(part) : toImage(part)));
}

/** Reasoning of others, which has no proof that it is Claude's, would be refused. */
function toAssistantBlocks(part: AssistantPart): Block[] {
  switch (part.type) {
    case 'text':
      return toTextBlocks([part]);
    case 'tool-call':
      return [toToolUse(part)];
    case 'reasoning': {
      const { text, signature, redacted } = part;
      if (redacted !== undefined) return [{ type: 'redacted_thinking', data: redacted }];
      return signature === undefined ? [] : [{ type: 'thinking', thinking: text, signature }];
    }
  }
}

function toTextBlock({ text, cacheControl }: TextPart): Anthropic.TextBlockParam {
  return present({ type: 'text' as const, text, cache_control: toCacheControl(cacheControl) });
}

/** How closely to look is not for the caller to say: https://platform.claude.com/docs/en/build-with-claude/vision */
function toImage({ source, detail, cacheControl }: ImagePart): Anthropic.ImageBlockParam {
  if (detail !== undefined && detail !== 'auto') throw unsupported('messages.parts.detail');
  return present({
    type: 'image' as const,
    source: source.type === 'url' ? ({ type: 'url', url: source.url } as const) : toImageBytes(source),
    cache_control: toCacheControl(cacheControl),
  });
}

function toImageBytes({
  mediaType,
  data,
}: {
  readonly mediaType: string;
  readonly data: string;
}): Anthropic.Base64ImageSource {
  // The vendor's types name the four kinds of today; which it takes is for it to say.
  const media_type = mediaType as Anthropic.Base64ImageSource['media_type'];
  return { type: 'base64', media_type, data };
}

function toToolUse({ id, name, input, cacheControl }: ToolCallPart): Anthropic.ToolUseBlockParam {
  return present({
    type: 'tool_use' as const,
    id,
    name,
    input: toToolInput(input),
    cache_control: toCacheControl(cacheControl),
  });
}

/**
 * The API wants an object. What is none is given back in the way that the vendor advises for arguments that are no JSON:
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/fine-grained-tool-streaming#handling-invalid-json-in-tool-responses
 */
function toToolInput(input: string): Readonly<Record<string, unknown>> {
  if (input === '') return {};
  try {
    const value: unknown = JSON.parse(input);
    if (isRecord(value)) return value;
  } catch {
    // What follows is for this, too.
  }
  return { INVALID_JSON: input };
}

function toToolResult({
  callId,
  output,
  isError,
  cacheControl,
}: ToolResultPart): Anthropic.ToolResultBlockParam {
  const content = typeof output === 'string' ? output : toUserBlocks(output);
  return present({
    type: 'tool_result' as const,
    tool_use_id: callId,
    content: content.length === 0 ? undefined : content,
    is_error: isError,
    cache_control: toCacheControl(cacheControl),
  });
}
