import type { ForeignMessage } from '../../messages/imported-messages.service.js';

/** Who makes files that can be imported. */
export type Source = 'parley' | 'chatgpt' | 'claude';

/** Why a conversation is not imported. */
export type Refusal =
  | 'too_large'
  | 'too_many_messages'
  | 'not_utf8'
  | 'malformed'
  | 'no_id'
  | 'duplicate_message'
  | 'parent_missing'
  | 'cycle'
  | 'mixed_models'
  | 'incomplete'
  | 'not_storable';

/** Why something that was said is not imported, though its conversation is. */
export type Omission = 'hidden' | 'no_text' | 'attachment' | 'tool_result' | 'unsupported';

/** A message as its file has it: parents are named by the ids of the file. */
export interface Said extends Omit<ForeignMessage, 'id' | 'parentId' | 'onCurrentBranch'> {
  readonly sourceId: string;
  readonly parentId: string | null;
}

export interface ConversationModel {
  readonly modelId: string;
  /** The last message of its current branch, by the id of the file. */
  readonly leafId: string;
  readonly lastMessageAt: Date;
  readonly summary: string | null;
  readonly summaryUpdatedAt: Date | null;
  readonly summaryThroughId: string | null;
}

/** A conversation that was understood. */
export interface Conversation {
  readonly sourceId: string;
  readonly title: string | undefined;
  readonly archived: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Those that have messages. */
  readonly models: readonly ConversationModel[];
  /** Parents before their children, which are of the same model. */
  readonly messages: readonly Said[];
  readonly omitted: Readonly<Partial<Record<Omission, number>>>;
}

/** Told of a conversation that cannot be imported; the file goes on. */
export class RefusedConversation extends Error {
  override readonly name = 'RefusedConversation';

  constructor(readonly reason: Refusal) {
    super(reason);
  }
}
