import { unsaid } from '../../messages/message-rows.js';
import { byTime, parentsFirst } from './branches.js';
import { contentOf, type Content } from './chatgpt-content.js';
import { onlyModel } from './only-model.js';
import { RefusedConversation, type Conversation, type Omission, type Said } from './conversation.js';
import { idOf, isObject, modelIdOf, objectOf, shortTextOf, timeOf, type JsonObject } from './json-values.js';
import type { Reading } from './reading.js';

const roles = ['user', 'assistant', 'system', 'tool'] as const;

interface KeptNode {
  readonly sourceId: string;
  readonly parentId: string | null;
  readonly message: JsonObject;
  readonly role: Said['role'];
  readonly parts: Content['parts'];
}

interface KeptTree {
  readonly nodes: readonly KeptNode[];
  /** Of every node, the nearest one that is kept: itself, or one above it. */
  readonly keptAt: ReadonlyMap<string, string | null>;
  readonly omitted: Readonly<Partial<Record<Omission, number>>>;
}

/** Whether this looks like a conversation of ChatGPT's data export. */
export function isChatGptConversation(value: JsonObject): boolean {
  return isObject(value['mapping']);
}

/**
 * A conversation of ChatGPT's data export: `mapping` is a tree of nodes, most of which have a message. What nobody sees and what has no
 * text is left out; what followed it follows what came before it. Times are in seconds.
 * @throws RefusedConversation
 */
export function readChatGptConversation(value: JsonObject, { modelId, now }: Reading): Conversation {
  const sourceId = idOf(value['conversation_id']) ?? idOf(value['id']);
  if (sourceId === undefined) throw new RefusedConversation('no_id');
  const { nodes, keptAt, omitted } = keptTree(objectOf(value['mapping']));
  const seconds = (time: unknown) =>
    typeof time === 'number' ? timeOf(Math.round(time * 1000), now) : undefined;
  const sent = ({ message }: KeptNode) => seconds(message['create_time']);
  const begun = seconds(value['create_time']) ?? nodes.map(sent).find((time) => time !== undefined) ?? now;
  const ordered = byTime(nodes, sent, begun);
  const leafId = keptAt.get(String(value['current_node'])) ?? ordered.at(-1)?.message.sourceId;
  const model = modelId ?? lastModel(nodes, leafId) ?? modelIdOf(value['default_model_slug']) ?? 'chatgpt';
  const messages = ordered.map(({ message, at }) => toSaid(message, { at, modelId: model }));
  return {
    sourceId,
    title: shortTextOf(value['title'], 200),
    archived: value['is_archived'] === true,
    createdAt: begun,
    updatedAt: seconds(value['update_time']) ?? messages.at(-1)?.createdAt ?? begun,
    models: onlyModel(messages, leafId),
    messages,
    omitted,
  };
}

function keptTree(mapping: JsonObject): KeptTree {
  const all = Object.entries(mapping).map(([id, value]) => {
    const node = objectOf(value);
    const sourceId = idOf(id);
    if (sourceId === undefined) throw new RefusedConversation('malformed');
    return { sourceId, parentId: typeof node['parent'] === 'string' ? node['parent'] : null, node };
  });
  const nodes: KeptNode[] = [];
  const keptAt = new Map<string, string | null>();
  const omitted: Partial<Record<Omission, number>> = {};
  for (const { sourceId, parentId: above, node } of parentsFirst(all)) {
    const parentId = above === null ? null : (keptAt.get(above) ?? null);
    keptAt.set(sourceId, parentId);
    // The root has none.
    if (node['message'] === undefined || node['message'] === null) continue;
    const message = objectOf(node['message']);
    const name = objectOf(message['author'])['role'];
    const role = roles.find((known) => known === name);
    const content: Content =
      role === undefined ? { parts: [], omitted: ['unsupported'] } : contentOf(message);
    for (const omission of content.omitted) omitted[omission] = (omitted[omission] ?? 0) + 1;
    if (role === undefined || content.parts.length === 0) continue;
    nodes.push({ sourceId, parentId, message, role, parts: content.parts });
    keptAt.set(sourceId, sourceId);
  }
  return { nodes, keptAt, omitted };
}

/** The model that answered last on the way to the leaf, as ChatGPT names it. */
function lastModel(nodes: readonly KeptNode[], leafId: string | undefined): string | undefined {
  const byId = new Map(nodes.map((node) => [node.sourceId, node]));
  for (let node = byId.get(leafId ?? ''); node !== undefined; node = byId.get(node.parentId ?? '')) {
    const slug = modelOf(node);
    if (slug !== undefined) return slug;
  }
  return undefined;
}

function modelOf({ role, message: { metadata } }: KeptNode): string | undefined {
  return role === 'assistant' && isObject(metadata) ? modelIdOf(metadata['model_slug']) : undefined;
}

function toSaid(node: KeptNode, { at, modelId }: { readonly at: Date; readonly modelId: string }): Said {
  const { sourceId, parentId, role, parts, message } = node;
  const { metadata, status } = message;
  const details = isObject(metadata) ? metadata['finish_details'] : undefined;
  const end = isObject(details) ? shortTextOf(details['type'], 100) : undefined;
  // Half an answer never looks like a whole one.
  const isCut = role === 'assistant' && (status === 'in_progress' || end === 'interrupted');
  return {
    ...unsaid,
    sourceId,
    parentId,
    modelId,
    role,
    status: isCut ? 'interrupted' : 'complete',
    parts: [...parts],
    providerModel: modelOf(node) ?? null,
    providerFinishReason: role === 'assistant' ? (end ?? null) : null,
    createdAt: at,
    updatedAt: at,
  };
}
