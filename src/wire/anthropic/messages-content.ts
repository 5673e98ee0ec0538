import type {
  AssistantPart,
  CacheControl,
  GenerateMessage,
  ImagePart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '../../llm-providers/contract/generate-request.js';
import { present } from '../../llm-providers/present.js';
import { callSignatureOf } from './call-signature.js';
import type { RequestFields } from '../request-fields.js';
import { invalid, missing, unsupported } from '../request-fields.js';

interface Conversation {
  /** What was said in the role of the system, wherever: other vendors know no other place for it than before everything else. */
  readonly system: readonly TextPart[];
  readonly messages: readonly GenerateMessage[];
}

/**
 * https://platform.claude.com/docs/en/api/messages/create: what was said, block by block.
 * @throws DomainError VALIDATION_FAILED, and UNSUPPORTED_PARAMETER for what no other vendor knows
 */
export function toConversation(messages: readonly RequestFields[]): Conversation {
  const system: TextPart[] = [];
  const rest: GenerateMessage[] = [];
  for (const message of messages) {
    const role = message.requiredText('role');
    if (role === 'system') system.push(...toTextParts(message, 'content'));
    else if (role === 'user') rest.push(...toUserMessages(message));
    else if (role === 'assistant') rest.push({ role, parts: toAssistantParts(message) });
    else throw invalid(message.pathOf('role'), 'user, assistant or system');
    message.refuseRest();
  }
  return { system, messages: rest };
}

/** A text, or blocks of nothing else. */
export function toTextParts(fields: RequestFields, name: string): readonly TextPart[] {
  return blocksOf(fields, name).map((block) => {
    if (typeof block === 'string') return { type: 'text', text: block };
    if (block.requiredText('type') !== 'text') throw unsupported(block.pathOf('type'));
    return toTextPart(block);
  });
}

/** https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
export function toCacheControl(fields: RequestFields): CacheControl | undefined {
  const control = fields.object('cache_control');
  if (control === undefined) return undefined;
  control.oneOf('type', ['ephemeral']);
  const ttl = control.oneOf('ttl', ['5m', '1h']);
  control.refuseRest();
  return present({ ttl });
}

/** @throws DomainError VALIDATION_FAILED when there is no such field */
function blocksOf(fields: RequestFields, name: string): readonly (string | RequestFields)[] {
  const value = fields.value(name);
  if (typeof value === 'string') return [value];
  if (value !== undefined && !Array.isArray(value)) {
    throw invalid(fields.pathOf(name), 'a string or a list of blocks');
  }
  const blocks = fields.objects(name);
  if (blocks === undefined) throw missing(fields.pathOf(name));
  return blocks;
}

/** Results of tools are messages of their own, in the order in which they stand among what the person says. */
function toUserMessages(message: RequestFields): readonly GenerateMessage[] {
  const messages: ({ role: 'user'; parts: UserPart[] } | { role: 'tool'; parts: ToolResultPart[] })[] = [];
  for (const block of blocksOf(message, 'content')) {
    const part = toUserPart(block);
    const last = messages.at(-1);
    if (part.type === 'tool-result') {
      if (last?.role === 'tool') last.parts.push(part);
      else messages.push({ role: 'tool', parts: [part] });
    } else if (last?.role === 'user') last.parts.push(part);
    else messages.push({ role: 'user', parts: [part] });
  }
  return messages;
}

function toUserPart(block: string | RequestFields): UserPart | ToolResultPart {
  if (typeof block === 'string') return { type: 'text', text: block };
  switch (block.requiredText('type')) {
    case 'text':
      return toTextPart(block);
    case 'image':
      return toImagePart(block);
    case 'tool_result':
      return toToolResult(block);
    default:
      throw unsupported(block.pathOf('type'));
  }
}

function toAssistantParts(message: RequestFields): readonly AssistantPart[] {
  const parts: AssistantPart[] = [];
  let signature: string | undefined;
  for (const block of blocksOf(message, 'content')) {
    const part = toAssistantPart(block);
    const ofCall = part.type === 'reasoning' ? callSignatureOf(part.signature ?? '') : undefined;
    if (ofCall !== undefined) signature = ofCall;
    else if (part.type === 'tool-call' && signature !== undefined) {
      parts.push({ ...part, signature });
      signature = undefined;
    } else parts.push(part);
  }
  return parts;
}

function toAssistantPart(block: string | RequestFields): AssistantPart {
  if (typeof block === 'string') return { type: 'text', text: block };
  switch (block.requiredText('type')) {
    case 'text':
      return toTextPart(block);
    case 'tool_use':
      return toToolCall(block);
    case 'thinking': {
      const [text, signature] = [block.requiredText('thinking'), block.text('signature')];
      block.refuseRest();
      return {
        type: 'reasoning',
        text,
        ...(signature === undefined || signature === '' ? {} : { signature }),
      };
    }
    case 'redacted_thinking': {
      const redacted = block.requiredText('data');
      block.refuseRest();
      return { type: 'reasoning', text: '', redacted };
    }
    default:
      throw unsupported(block.pathOf('type'));
  }
}

function toTextPart(block: RequestFields): TextPart {
  const text = block.requiredText('text');
  const cacheControl = toCacheControl(block);
  // Answers have an empty list of them, which programs send back.
  if ((block.list('citations') ?? []).length > 0) throw unsupported(block.pathOf('citations'));
  block.refuseRest();
  return present({ type: 'text' as const, text, cacheControl });
}

function toImagePart(block: RequestFields): ImagePart {
  const source = block.requiredObject('source');
  const cacheControl = toCacheControl(block);
  block.refuseRest();
  return present({ type: 'image' as const, source: toImageSource(source), cacheControl });
}

function toImageSource(source: RequestFields): ImagePart['source'] {
  const type = source.requiredText('type');
  if (type === 'url') {
    const url = source.requiredText('url');
    source.refuseRest();
    return { type, url };
  }
  if (type !== 'base64') throw unsupported(source.pathOf('type'));
  const [mediaType, data] = [source.requiredText('media_type'), source.requiredText('data')];
  source.refuseRest();
  return { type, mediaType, data };
}

function toToolCall(block: RequestFields): ToolCallPart {
  const [id, name] = [block.requiredText('id'), block.requiredText('name')];
  const input = JSON.stringify(block.requiredRecord('input'));
  const cacheControl = toCacheControl(block);
  const caller = block.object('caller');
  if (caller !== undefined && caller.requiredText('type') !== 'direct') {
    throw unsupported(block.pathOf('caller'));
  }
  block.refuseRest();
  return present({ type: 'tool-call' as const, id, name, input, cacheControl });
}

function toToolResult(block: RequestFields): ToolResultPart {
  const callId = block.requiredText('tool_use_id');
  const content = block.value('content');
  const output = content === undefined || typeof content === 'string' ? (content ?? '') : toOutput(block);
  const [isError, cacheControl] = [block.flag('is_error'), toCacheControl(block)];
  block.refuseRest();
  return present({ type: 'tool-result' as const, callId, output, isError, cacheControl });
}

function toOutput(block: RequestFields): readonly UserPart[] {
  return blocksOf(block, 'content').map((item) => {
    const part = toUserPart(item);
    if (part.type === 'tool-result') throw invalid(block.pathOf('content'), 'text and images');
    return part;
  });
}
