import type { MessagePart } from '../../messages/message.js';
import type { Omission } from './conversation.js';
import { isObject, textOf, type JsonObject } from './json-values.js';

/** What a message says, and what of it is left out. */
export interface Content {
  readonly parts: readonly MessagePart[];
  readonly omitted: readonly Omission[];
}

/** Of a message that says nothing that can be kept: why. */
const nothing = (omission: Omission): Content => ({ parts: [], omitted: [omission] });

/** The content of a message of ChatGPT, by its `content_type`; there are more of them every year. */
export function contentOf(message: JsonObject): Content {
  const { content, metadata, weight, recipient } = message;
  const isHidden = isObject(metadata) && metadata['is_visually_hidden_from_conversation'] === true;
  if (isHidden || weight === 0) return nothing('hidden');
  if (!isObject(content)) return nothing('no_text');
  const parts = content['parts'];
  switch (content['content_type']) {
    case 'text':
    case 'multimodal_text':
      return Array.isArray(parts) ? fromParts(parts) : nothing('no_text');
    case 'code':
      return fromCode(message, textOf(content['text']), recipient);
    case 'thoughts':
      return fromThoughts(content['thoughts']);
    case 'execution_output':
    case 'system_error':
    case 'tether_quote':
      return fromText(textOf(content['text']));
    case 'tether_browsing_display':
      return fromText(textOf(content['result']));
    case 'reasoning_recap':
    case 'user_editable_context':
    case 'model_editable_context':
      return nothing('hidden');
    default:
      return fromText(textOf(content['text']), 'unsupported');
  }
}

function fromText(text: string | undefined, otherwise: Omission = 'no_text'): Content {
  return text === undefined ? nothing(otherwise) : { parts: [{ type: 'text', text }], omitted: [] };
}

/** Texts, and between them pictures, sound and files; of sound there may be a transcript. */
function fromParts(pieces: readonly unknown[]): Content {
  const texts: string[] = [];
  const omitted: Omission[] = [];
  for (const piece of pieces) {
    const text = textOf(isObject(piece) ? piece['text'] : piece);
    if (text !== undefined) texts.push(text);
    else if (isObject(piece)) omitted.push('attachment');
  }
  if (texts.length > 0) return { parts: [{ type: 'text', text: texts.join('\n\n') }], omitted };
  return { parts: [], omitted: omitted.length > 0 ? omitted : ['no_text'] };
}

/** What is not for everybody is for a tool. */
function fromCode(message: JsonObject, text: string | undefined, recipient: unknown): Content {
  if (text === undefined) return nothing('no_text');
  const tool = textOf(recipient);
  if (tool === undefined || tool === 'all') return fromText(text);
  return {
    parts: [{ type: 'tool_call', id: textOf(message['id']) ?? '', name: tool, input: text }],
    omitted: [],
  };
}

function fromThoughts(thoughts: unknown): Content {
  const texts = (Array.isArray(thoughts) ? thoughts : []).flatMap((thought: unknown) => {
    const text = isObject(thought) ? (textOf(thought['content']) ?? textOf(thought['summary'])) : undefined;
    return text === undefined ? [] : [text];
  });
  if (texts.length === 0) return nothing('no_text');
  return { parts: [{ type: 'reasoning', text: texts.join('\n\n') }], omitted: [] };
}
