import type { Conversation } from './conversation.js';
import type { JsonObject } from './json-values.js';

/** What a conversation is read with. */
export interface Reading {
  /** The model that is to have it; undefined for the one that answered last, as its file names it. */
  readonly modelId: string | undefined;
  readonly now: Date;
}

/** @throws RefusedConversation */
export type ReadConversation = (value: JsonObject, reading: Reading) => Conversation;
