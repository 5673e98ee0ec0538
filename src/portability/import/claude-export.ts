import { unsaid } from '../../messages/message-rows.js';
import type { MessagePart } from '../../messages/message.js';
import { byTime } from './branches.js';
import { RefusedConversation, type Conversation, type Omission, type Said } from './conversation.js';
import {
  idOf,
  isObject,
  listOf,
  modelIdOf,
  objectOf,
  shortTextOf,
  textOf,
  timeOf,
  type JsonObject,
} from './json-values.js';
import { onlyModel } from './only-model.js';
import type { Reading } from './reading.js';

/** What Claude gives the first messages as their parent. */
const root = '00000000-0000-4000-8000-000000000000';

const roles: Readonly<Partial<Record<string, Said['role']>>> = { human: 'user', assistant: 'assistant' };

interface Message {
  readonly sourceId: string;
  readonly parentId: string | null;
  readonly value: JsonObject;
  readonly role: Said['role'];
  readonly parts: readonly MessagePart[];
}

/** Whether this looks like a conversation of Claude's data export. */
export function isClaudeConversation(value: JsonObject): boolean {
  return Array.isArray(value['chat_messages']);
}

/**
 * A conversation of Claude's data export. Newer ones are trees by `parent_message_uuid`, older ones lists. What has no text is left out;
 * what followed it follows what came before it.
 * @throws RefusedConversation
 */
export function readClaudeConversation(value: JsonObject, { modelId, now }: Reading): Conversation {
  const sourceId = idOf(value['uuid']);
  if (sourceId === undefined) throw new RefusedConversation('no_id');
  const omitted: Partial<Record<Omission, number>> = {};
  const all = allMessages(listOf(value['chat_messages']), (omission) => {
    omitted[omission] = (omitted[omission] ?? 0) + 1;
  });
  const time = (text: unknown) => (typeof text === 'string' ? timeOf(Date.parse(text), now) : undefined);
  const sent = (message: Message) => time(message.value['created_at']);
  const begun = time(value['created_at']) ?? all.map(sent).find((at) => at !== undefined) ?? now;
  const keptAt = new Map<string, string | null>();
  const kept = byTime(all, sent, begun).flatMap(({ message, at }) => {
    const parentId = message.parentId === null ? null : (keptAt.get(message.parentId) ?? null);
    keptAt.set(message.sourceId, message.parts.length > 0 ? message.sourceId : parentId);
    return message.parts.length > 0 ? [{ ...message, parentId, at }] : [];
  });
  const leafId = keptAt.get(String(value['current_leaf_message_uuid'])) ?? kept.at(-1)?.sourceId;
  const model = modelId ?? modelIdOf(value['model']) ?? 'claude';
  const messages = kept.map(({ role, parts, at, ...ids }): Said => ({
    ...unsaid,
    sourceId: ids.sourceId,
    parentId: ids.parentId,
    modelId: model,
    role,
    status: 'complete',
    parts: [...parts],
    providerModel:
      role === 'assistant' ? (modelIdOf(ids.value['model']) ?? modelIdOf(value['model']) ?? null) : null,
    createdAt: at,
    updatedAt: at,
  }));
  return {
    sourceId,
    title: shortTextOf(value['name'], 200),
    archived: false,
    createdAt: begun,
    updatedAt: time(value['updated_at']) ?? messages.at(-1)?.createdAt ?? begun,
    models: onlyModel(messages, leafId),
    messages,
    omitted,
  };
}

function allMessages(values: readonly unknown[], omit: (omission: Omission) => void): Message[] {
  let before: string | null = null;
  return values.map((item) => {
    const value = objectOf(item);
    const sourceId = idOf(value['uuid']);
    const role = roles[String(value['sender'])];
    if (sourceId === undefined || role === undefined) throw new RefusedConversation('malformed');
    const parent = value['parent_message_uuid'];
    const parentId: string | null = typeof parent !== 'string' ? before : parent === root ? null : parent;
    before = sourceId;
    const parts = partsOf(value, omit);
    if (parts.length === 0) omit('no_text');
    for (const files of [value['attachments'], value['files']]) {
      for (const _file of Array.isArray(files) ? files : []) omit('attachment');
    }
    return { sourceId, parentId, value, role, parts };
  });
}

/** Older exports have `text` alone. */
function partsOf({ content, text }: JsonObject, omit: (omission: Omission) => void): MessagePart[] {
  if (!Array.isArray(content) || content.length === 0) {
    const said = textOf(text);
    return said === undefined ? [] : [{ type: 'text', text: said }];
  }
  return content.flatMap((item: unknown): MessagePart[] => {
    const block = isObject(item) ? item : {};
    const type = block['type'];
    if (type === 'tool_use') return [toToolCall(block)];
    const said = textOf(
      type === 'thinking' ? block['thinking'] : type === 'text' ? block['text'] : undefined,
    );
    if (said !== undefined) return [{ type: type === 'thinking' ? 'reasoning' : 'text', text: said }];
    if (type === 'tool_result') omit('tool_result');
    else if (type !== 'text' && type !== 'thinking') omit('unsupported');
    return [];
  });
}

function toToolCall({ id, name, input }: JsonObject): MessagePart {
  return {
    type: 'tool_call',
    id: textOf(id) ?? '',
    name: textOf(name) ?? '',
    // Without half characters, which JSON.stringify writes as escapes.
    input: JSON.stringify(input ?? {}),
  };
}
