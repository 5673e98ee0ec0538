import { zipSync } from 'fflate';

/** A node of a conversation in ChatGPT's data export. */
export interface ChatGptNode {
  readonly id: string;
  readonly parent: string | null;
  readonly message: Record<string, unknown> | null;
}

/** A message of ChatGPT's data export with one text. */
export function said(
  role: string,
  text: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    author: { role },
    create_time: null,
    content: { content_type: 'text', parts: [text] },
    status: 'finished_successfully',
    weight: 1,
    metadata: role === 'assistant' ? { model_slug: 'gpt-4o' } : {},
    recipient: 'all',
    ...more,
  };
}

/** A conversation of ChatGPT's data export: `nodes` without the ids that are the same everywhere. */
export function chatGptConversation(
  id: string,
  nodes: readonly ChatGptNode[],
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const childrenOf = Map.groupBy(nodes, ({ parent }) => parent);
  const mapping = Object.fromEntries(
    nodes.map((node) => [
      node.id,
      { ...node, children: (childrenOf.get(node.id) ?? []).map((child) => child.id) },
    ]),
  );
  return {
    conversation_id: id,
    id,
    title: `Talk ${id}`,
    create_time: 1_700_000_000.123,
    update_time: 1_700_000_100.5,
    mapping,
    current_node: nodes.at(-1)?.id,
    default_model_slug: 'auto',
    is_archived: false,
    ...more,
  };
}

/** Question and answer, under a root without a message, as ChatGPT writes them. */
export function simpleChatGptConversation(id: string, question = 'Hello?', answer = 'Hi.'): object {
  return chatGptConversation(id, [
    { id: 'root', parent: null, message: null },
    { id: 'q', parent: 'root', message: said('user', question, { create_time: 1_700_000_001 }) },
    { id: 'a', parent: 'q', message: said('assistant', answer, { create_time: 1_700_000_002.25 }) },
  ]);
}

/** A conversation of Claude's data export. */
export function claudeConversation(
  uuid: string,
  messages: readonly Record<string, unknown>[],
  more: Record<string, unknown> = {},
): object {
  return {
    uuid,
    name: `Chat ${uuid}`,
    created_at: '2024-05-01T10:00:00.000000Z',
    updated_at: '2024-05-01T10:05:00.000000Z',
    account: { uuid: 'account' },
    chat_messages: messages.map((message) => ({ attachments: [], files: [], ...message })),
    ...more,
  };
}

/** An archive as others write it. */
export function zipOf(files: Readonly<Record<string, string | Uint8Array>>, level: 0 | 6 = 6): Buffer {
  const bytes = Object.entries(files).map(([name, content]) => [name, Buffer.from(content)] as const);
  return Buffer.from(zipSync(Object.fromEntries(bytes), { level }));
}
