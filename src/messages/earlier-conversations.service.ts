import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Owner } from '../common/owner.js';
import type { ModelState } from '../threads/threads.service.js';
import type { EarlierConversation } from './context.js';
import { MessagesRepository } from './messages.repository.js';

/** What was said on a branch, for the model that is asked to go on. */
@Injectable()
export class EarlierConversations {
  constructor(private readonly messages: MessagesRepository) {}

  /**
   * A message and those above it, with the summary of the older ones: of this branch, and not of another that has left it before.
   * @param state of the model of the message in its thread
   */
  async upFrom(
    owner: Owner,
    { id, maxBytes, state }: { readonly id: string; readonly maxBytes: number; readonly state: ModelState },
    db: EntityManager,
  ): Promise<EarlierConversation> {
    const messages = await this.messages.upFrom(owner, { id, maxBytes }, db);
    const isWhole = messages.at(-1)?.parentId === null;
    return { messages, isWhole, summary: await this.summaryOf(owner, id, state, db) };
  }

  private async summaryOf(
    owner: Owner,
    below: string,
    { summary: text, summaryThroughId: id }: ModelState,
    db: EntityManager,
  ): Promise<EarlierConversation['summary']> {
    if (text === null || id === null) return undefined;
    const isOfBranch = await this.messages.isAtOrAbove(owner, { id, below }, db);
    return isOfBranch ? { text, throughId: id } : undefined;
  }
}
