import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../../common/domain-error.js';
import { fromWireId, Ids } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { refusesData } from '../../infrastructure/database/database-errors.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { ImportedMessagesService, type ForeignMessage } from '../../messages/imported-messages.service.js';
import { textOf } from '../../messages/message.js';
import { ImportedThreadsService, type ForeignThread } from '../../threads/imported-threads.service.js';
import { ThreadsService } from '../../threads/threads.service.js';
import { branchTo } from './branches.js';
import { RefusedConversation, type Conversation, type Said, type Source } from './conversation.js';
import type { SkipReason } from './import-report.js';

/** Stores a conversation as a thread, once. */
@Injectable()
export class ConversationWriter {
  constructor(
    private readonly threads: ThreadsService,
    private readonly imported: ImportedThreadsService,
    private readonly messages: ImportedMessagesService,
    private readonly transactions: Transactions,
    private readonly ids: Ids,
  ) {}

  /**
   * In one transaction, or not at all.
   * @param alongside runs in it, last
   * @throws RefusedConversation when the database does not take it
   */
  async write(
    owner: Owner,
    source: Source,
    conversation: Conversation,
    alongside: (db: EntityManager) => Promise<void>,
  ): Promise<'imported' | SkipReason> {
    if (conversation.messages.length === 0 && source !== 'parley') return 'empty';
    if (source === 'parley' && (await this.isStillHere(owner, conversation.sourceId))) return 'already_there';
    const contentHash = hashOf(conversation);
    const before = await this.known(owner, { source, sourceId: conversation.sourceId, contentHash });
    if (before !== undefined) return before;
    const { thread, messages } = this.rowsOf(conversation, { source, contentHash });
    try {
      await this.transactions.run(async (db) => {
        if (!(await this.imported.add(owner, thread, db))) throw new ImportedMeanwhileError();
        await this.messages.add(owner, thread.id, messages, db);
        await alongside(db);
      });
      return 'imported';
    } catch (error) {
      if (error instanceof ImportedMeanwhileError) return 'already_imported';
      if (refusesData(error)) throw new RefusedConversation('not_storable');
      throw error;
    }
  }

  /** The thread that was exported itself, of the same owner. */
  private async isStillHere(owner: Owner, wireId: string): Promise<boolean> {
    const id = fromWireId('thread', wireId);
    if (id === undefined) return false;
    return this.threads.requireOwned(owner, id).then(
      () => true,
      (error: unknown) => {
        if (error instanceof DomainError && error.code === 'THREAD_NOT_FOUND') return false;
        throw error;
      },
    );
  }

  private async known(owner: Owner, origin: ForeignThread['origin']): Promise<SkipReason | undefined> {
    const known = await this.imported.find(owner, origin);
    if (known === null) return undefined;
    return known.contentHash.equals(origin.contentHash) ? 'already_imported' : 'changed_since_import';
  }

  /** With ids of ours: they grow from parents to children, and are younger than any that is there. */
  private rowsOf(
    { sourceId, models, messages, title, archived, createdAt, updatedAt }: Conversation,
    origin: { readonly source: Source; readonly contentHash: Buffer },
  ): { readonly thread: ForeignThread; readonly messages: readonly ForeignMessage[] } {
    const idBySource = new Map(messages.map((message) => [message.sourceId, this.ids.next()]));
    const parents = new Map(messages.map((message) => [message.sourceId, message.parentId]));
    const current = models.map(({ leafId }) => branchTo(parents, leafId));
    const isCurrent = ({ sourceId: id }: Said): boolean => current.some((branch) => branch.has(id));
    const idOf = (id: string): string => idBySource.get(id) ?? '';
    const countByModel = Map.groupBy(messages, ({ modelId }) => modelId);
    const last = messages.findLast((message) => isCurrent(message) && textOf(message.parts) !== '');
    return {
      thread: {
        id: this.ids.next(),
        origin: { ...origin, sourceId },
        ...{ title, archived, createdAt, updatedAt, messageCount: messages.length },
        lastText: last === undefined ? '' : textOf(last.parts),
        models: models.map(({ leafId, summaryThroughId, ...model }) => ({
          ...model,
          messageCount: countByModel.get(model.modelId)?.length ?? 0,
          currentLeafId: idOf(leafId),
          summaryThroughId: summaryThroughId === null ? null : idOf(summaryThroughId),
        })),
      },
      messages: messages.map(({ sourceId: id, parentId, ...message }) => ({
        ...message,
        id: idOf(id),
        parentId: parentId === null ? null : idOf(parentId),
        onCurrentBranch: current.some((branch) => branch.has(id)),
      })),
    };
  }
}

/** Of what was said and where in the tree: other things in an export change from one to the next. */
function hashOf({ messages }: Conversation): Buffer {
  const hash = createHash('sha256');
  for (const { sourceId, parentId, role, parts } of messages) {
    hash.update(JSON.stringify([sourceId, parentId, role, parts]));
  }
  return hash.digest();
}

/** Undoes the transaction of an import that another one was faster than. */
class ImportedMeanwhileError extends Error {}
