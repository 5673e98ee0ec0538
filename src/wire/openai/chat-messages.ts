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
import { invalid, type RequestFields, unsupported } from '../request-fields.js';

interface Conversation {
  readonly systemPrompt: string | readonly TextPart[] | undefined;
  readonly messages: readonly GenerateMessage[];
}

/**
 * The messages of a chat completion: https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages. What `system` and
 * `developer` say, wherever they say it, becomes the system prompt, in its order: most vendors know no other place for it.
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER
 */
export function toConversation(messages: readonly RequestFields[]): Conversation {
  const system: TextPart[] = [];
  const others: GenerateMessage[] = [];
  for (const message of messages) {
    switch (message.oneOf('role', ['system', 'developer', 'user', 'assistant', 'tool', 'function'])) {
      case 'system':
      case 'developer':
        system.push(...textParts(message));
        break;
      case 'user':
        others.push({ role: 'user', parts: userParts(message) });
        break;
      case 'assistant':
        others.push(...assistantMessage(message));
        break;
      case 'tool':
        addResult(others, toolResult(message));
        break;
      default:
        throw message.value('role') === undefined
          ? invalid(message.pathOf('role'), 'there')
          : unsupported(message.pathOf('role'));
    }
    message.refuseRest();
  }
  return { systemPrompt: joined(system), messages: others };
}

/** In parts only where some of it is marked for the vendor's cache. */
function joined(parts: readonly TextPart[]): Conversation['systemPrompt'] {
  if (parts.length === 0) return undefined;
  if (!parts.some(({ cacheControl }) => cacheControl)) return parts.map(({ text }) => text).join('\n\n');
  return parts.map((part, index) =>
    index === parts.length - 1 ? part : { ...part, text: `${part.text}\n\n` },
  );
}

function textParts(message: RequestFields): readonly TextPart[] {
  return contentParts(message).map(({ part, fields }) => {
    if (part.type !== 'text') throw unsupported(fields.pathOf('type'));
    return part;
  });
}

function userParts(message: RequestFields): readonly UserPart[] {
  return contentParts(message).map(({ part }) => part);
}

/** A string, or a list of parts. */
function contentParts(
  message: RequestFields,
): readonly { readonly part: UserPart; readonly fields: RequestFields }[] {
  const content = message.value('content');
  if (typeof content === 'string') return [{ part: { type: 'text', text: content }, fields: message }];
  if (!Array.isArray(content)) throw invalid(message.pathOf('content'), 'a string or a list of parts');
  return (message.objects('content') ?? []).map((fields) => ({ part: contentPart(fields), fields }));
}

function contentPart(fields: RequestFields): UserPart {
  const type = fields.requiredText('type');
  if (type !== 'text' && type !== 'image_url') throw unsupported(fields.pathOf('type'));
  const part = type === 'text' ? textPart(fields) : imagePart(fields);
  fields.refuseRest();
  return part;
}

function textPart(fields: RequestFields): TextPart {
  return { type: 'text', text: fields.requiredText('text'), ...cacheControlOf(fields) };
}

function imagePart(fields: RequestFields): ImagePart {
  const image = fields.requiredObject('image_url');
  const source = imageSource(image.requiredText('url'), image.pathOf('url'));
  const detail = image.oneOf('detail', ['low', 'high', 'auto']);
  image.refuseRest();
  return { type: 'image', source, ...present({ detail }), ...cacheControlOf(fields) };
}

export function imageSource(url: string, path: string): ImagePart['source'] {
  const inline = /^data:([\w.+-]+\/[\w.+-]+);base64,/i.exec(url);
  if (inline !== null) {
    const [prefix, mediaType = ''] = inline;
    return { type: 'base64', mediaType, data: url.slice(prefix.length) };
  }
  if (!/^https?:\/\//i.test(url)) throw invalid(path, 'a URL, or base64 in a data URL');
  return { type: 'url', url };
}

/** What Anthropic's API and many gateways call it: a part of the prompt to be remembered up to its end. */
function cacheControlOf(fields: RequestFields): { readonly cacheControl?: CacheControl } {
  const control = fields.object('cache_control');
  if (control === undefined) return {};
  control.oneOf('type', ['ephemeral']);
  const ttl = control.oneOf('ttl', ['5m', '1h']);
  control.refuseRest();
  return { cacheControl: present({ ttl }) };
}

/** One that says nothing at all is left out: vendors refuse it. */
function assistantMessage(message: RequestFields): readonly GenerateMessage[] {
  const reasoning = message.text('reasoning_content') ?? message.text('reasoning') ?? '';
  const refusal = message.text('refusal') ?? '';
  const parts: AssistantPart[] = [
    ...(reasoning === '' ? [] : [{ type: 'reasoning', text: reasoning } as const]),
    ...assistantTexts(message),
    ...(refusal === '' ? [] : [{ type: 'text', text: refusal } as const]),
    ...(message.objects('tool_calls') ?? []).map(toolCall),
  ];
  // Of the caller's words, which the same program has read from an answer of ours.
  message.value('parsed');
  return parts.length === 0 ? [] : [{ role: 'assistant', parts }];
}

function assistantTexts(message: RequestFields): readonly TextPart[] {
  const content = message.value('content');
  if (content === undefined || content === '') return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return (message.objects('content') ?? []).map((fields) => {
    const isRefusal = fields.oneOf('type', ['text', 'refusal']) === 'refusal';
    const part = isRefusal
      ? ({ type: 'text', text: fields.requiredText('refusal') } as const)
      : textPart(fields);
    fields.refuseRest();
    return part;
  });
}

function toolCall(call: RequestFields): ToolCallPart {
  if ((call.text('type') ?? 'function') !== 'function') throw unsupported(call.pathOf('type'));
  const called = call.requiredObject('function');
  const signature = call.object('extra_content')?.object('google')?.text('thought_signature');
  const part = {
    type: 'tool-call',
    id: call.requiredText('id'),
    name: called.requiredText('name'),
    input: called.text('arguments') ?? '{}',
    ...present({ signature }),
  } as const;
  call.value('index'); // Of a delta, as programs put calls together that were streamed.
  called.value('parsed_arguments'); // The SDK's own, of the same arguments.
  call.refuseRest();
  called.refuseRest();
  return part;
}

function toolResult(message: RequestFields): ToolResultPart {
  const callId = message.requiredText('tool_call_id');
  // Of the tool: the call says which.
  message.text('name');
  const content = message.value('content');
  return {
    type: 'tool-result',
    callId,
    output: typeof content === 'string' ? content : userParts(message),
  };
}

/** The results of parallel calls are one message. */
function addResult(messages: GenerateMessage[], result: ToolResultPart): void {
  const last = messages.at(-1);
  if (last?.role === 'tool') messages[messages.length - 1] = { role: 'tool', parts: [...last.parts, result] };
  else messages.push({ role: 'tool', parts: [result] });
}
