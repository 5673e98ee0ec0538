import { RefusedConversation } from './conversation.js';

interface Node {
  readonly sourceId: string;
  readonly parentId: string | null;
}

/** Of a thread, however short its messages: it is written in one transaction. */
const maxMessages = 10_000;

/**
 * The same messages, parents before their children, and otherwise in the order in which they came.
 * @throws RefusedConversation when there are too many, ids are not unique, parents are missing, or a message is above itself
 */
export function parentsFirst<Message extends Node>(messages: readonly Message[]): Message[] {
  if (messages.length > maxMessages) throw new RefusedConversation('too_many_messages');
  const children = Map.groupBy(messages, ({ parentId }) => parentId);
  const known = new Set(messages.map(({ sourceId }) => sourceId));
  if (known.size < messages.length) throw new RefusedConversation('duplicate_message');
  const isOrphan = ({ parentId }: Node): boolean => parentId !== null && !known.has(parentId);
  if (messages.some(isOrphan)) throw new RefusedConversation('parent_missing');
  // From the roots down, without recursion: a conversation may be thousands of messages deep.
  const reached = [...(children.get(null) ?? [])];
  for (const { sourceId } of reached) reached.push(...(children.get(sourceId) ?? []));
  if (reached.length < messages.length) throw new RefusedConversation('cycle');
  return reached;
}

/** Those whose time is missing or before that of their parent have the time of that. In order of time, parents before their children. */
export function byTime<Message extends Node>(
  messages: readonly Message[],
  timeOf: (message: Message) => Date | undefined,
  begun: Date,
): { readonly message: Message; readonly at: Date }[] {
  const times = new Map<string, Date>();
  const timed = parentsFirst(messages).map((message) => {
    const parent = message.parentId === null ? begun : (times.get(message.parentId) ?? begun);
    const own = timeOf(message) ?? parent;
    const at = own < parent ? parent : own;
    times.set(message.sourceId, at);
    return { message, at };
  });
  // A stable sort: of the same time, parents stay before their children.
  return timed.sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** The ids on the way from a message up to its root. */
export function branchTo(parents: ReadonlyMap<string, string | null>, leafId: string): Set<string> {
  const branch = new Set<string>();
  for (let id: string | null = leafId; id !== null; id = parents.get(id) ?? null) branch.add(id);
  return branch;
}
