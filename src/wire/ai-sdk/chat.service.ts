import { Injectable } from '@nestjs/common';
import type { Caller } from '../../auth/caller.js';
import { Rights } from '../../auth/rights.js';
import { DomainError } from '../../common/domain-error.js';
import { fromWireId } from '../../common/ids.js';
import { AnswerStreams } from '../../generation/answer-streams.js';
import type { Generation } from '../../generation/generation-starter.js';
import { GenerationService, type Post } from '../../generation/generation.service.js';
import type { AnswerStream } from '../../generation/live-stream.js';
import type { Message } from '../../messages/message.entity.js';
import { MessagesService } from '../../messages/messages.service.js';
import { VisibleModels } from '../../models/catalogue/visible-models.service.js';
import { ThreadsService, type ThreadWithModels } from '../../threads/threads.service.js';
import { isClientId } from './client-id.js';
import { messageIdOf, type Said } from './ui-messages.js';

/** How the answer is to be, and by what the request is known. */
type Wish = Omit<Post, 'threadId' | 'modelId' | 'content' | 'parentId'>;

export interface ChatRequest {
  /** A thread, or what the client calls it. */
  readonly chatId: string;
  readonly trigger: 'submit-message' | 'regenerate-message';
  /** What is edited, or given once more. */
  readonly messageId?: string | undefined;
  readonly modelId?: string | undefined;
  readonly said: Said;
  readonly wish: Wish;
}

type ShownAnswer = Pick<Message, 'id' | 'modelId'>;

/** A request, in the thread that it belongs to: undefined when that begins with it. */
interface Place {
  readonly thread: ThreadWithModels | undefined;
  readonly modelId: string;
  /** Our answers that the front end shows, oldest first; undefined when it does not say. */
  readonly shown: readonly ShownAnswer[] | undefined;
}

/** Keeps the conversations of `useChat` front ends as threads: what the front end shows says only where in its thread a message belongs. */
@Injectable()
export class ChatService {
  constructor(
    private readonly threads: ThreadsService,
    private readonly messages: MessagesService,
    private readonly models: VisibleModels,
    private readonly generation: GenerationService,
    private readonly streams: AnswerStreams,
    private readonly rights: Rights,
  ) {}

  /**
   * Posts the new message after the answer that the front end shows last, or has an answer given once more.
   * @throws DomainError THREAD_NOT_FOUND, MESSAGE_NOT_FOUND, VALIDATION_FAILED; FORBIDDEN to who may begin no thread; what
   *   `GenerationService.post` and `regenerate` throw
   */
  async answer(caller: Caller, request: ChatRequest): Promise<Generation> {
    const thread = await this.find(caller, request.chatId);
    if (thread === undefined && !this.rights.admits(caller, 'threads:write'))
      throw new DomainError('FORBIDDEN');
    const shown = await this.shown(caller, thread, request.said);
    const place = { thread, shown, modelId: await this.modelOf(caller, request, { thread, shown }) };
    if (request.trigger === 'regenerate-message') {
      const messageId = await this.answerToRepeat(caller, request, place);
      if (messageId !== undefined) return this.generation.regenerate(caller, { ...request.wish, messageId });
    }
    return this.post(caller, request, place);
  }

  /**
   * The answer that is being generated in a conversation, of several the last one; or the one that is named, also when it has ended.
   * @returns undefined when nothing is generated
   * @throws DomainError THREAD_NOT_FOUND, MESSAGE_NOT_FOUND, MESSAGE_NOT_AN_ANSWER
   */
  async reading(
    caller: Caller,
    chatId: string,
    named: string | undefined,
  ): Promise<{ readonly messageId: string; readonly stream: AnswerStream } | undefined> {
    const thread = await this.find(caller, chatId);
    const messageId =
      named === undefined
        ? await this.newestGenerating(caller, thread)
        : (await this.messageIn(caller, thread, named)).id;
    if (messageId === undefined) return undefined;
    return { messageId, stream: await this.streams.open(caller, messageId) };
  }

  private async post(
    caller: Caller,
    request: ChatRequest,
    { thread, shown, modelId }: Place,
  ): Promise<Generation> {
    const { said, wish } = request;
    if (said.text === undefined) throw invalid('messages', 'The last message must be one of a person.');
    const edited = await this.edited(caller, request, { thread, shown });
    return this.generation.post(caller, {
      ...wish,
      threadId: thread?.thread.id ?? { clientId: request.chatId },
      modelId: request.modelId ?? edited?.modelId ?? modelId,
      content: said.text,
      parentId: edited === undefined ? parentAmong(shown, modelId) : edited.parentId,
    });
  }

  /** What the new message is put in place of: only who does not say what they show must name it by our id. */
  private async edited(
    caller: Caller,
    { trigger, messageId, said }: ChatRequest,
    { thread, shown }: Omit<Place, 'modelId'>,
  ): Promise<Message | undefined> {
    if (trigger !== 'submit-message' || messageId === undefined) return undefined;
    if (shown === undefined) return this.messageIn(caller, thread, messageId);
    if (messageId === said.id) return undefined;
    throw invalid('messageId', 'messageId must be that of the last message.');
  }

  /** Undefined when what is to be answered once more has never arrived: then it is posted. */
  private async answerToRepeat(
    caller: Caller,
    { messageId, modelId: wanted, said }: ChatRequest,
    { thread, shown, modelId }: Place,
  ): Promise<string | undefined> {
    const named = messageId === said.id ? undefined : messageIdOf(messageId);
    const id = named ?? (said.text === undefined ? shown?.at(-1)?.id : undefined);
    if (id !== undefined) {
      const answer = await this.requireIn(caller, thread, { id, param: 'messageId' });
      if (answer.role !== 'assistant') throw new DomainError('MESSAGE_NOT_AN_ANSWER', { param: 'messageId' });
      if (wanted === undefined || wanted === answer.modelId) return id;
    }
    if (thread === undefined || said.text === undefined) return undefined;
    const question = { threadId: thread.thread.id, modelId, content: said.text };
    const parentId = parentAmong(shown, modelId);
    if (parentId !== undefined) return this.messages.lastAnswerTo(caller, { ...question, parentId });
    const leafId = thread.models.find((model) => model.modelId === modelId)?.currentLeafId;
    return leafId === undefined ? undefined : this.ifAnswers(caller, leafId, said.text);
  }

  /** The message, if it is an answer to this text. */
  private async ifAnswers(caller: Caller, id: string, text: string): Promise<string | undefined> {
    const { role, parentId } = await this.messages.get(caller, id);
    if (role !== 'assistant' || parentId === null) return undefined;
    return (await this.messages.get(caller, parentId)).content === text ? id : undefined;
  }

  private async find(caller: Caller, chatId: string): Promise<ThreadWithModels | undefined> {
    if (!isClientId(chatId)) throw new DomainError('THREAD_NOT_FOUND', { param: 'id' });
    if (!chatId.startsWith('thread_')) return this.threads.find(caller, { clientId: chatId });
    const id = fromWireId('thread', chatId);
    if (id === undefined) throw new DomainError('THREAD_NOT_FOUND', { param: 'id' });
    return this.threads.get(caller, id);
  }

  /**
   * Those of this thread. The last one must be: a front end that shows a conversation of another thread would get answers that know
   * nothing of it.
   */
  private async shown(
    caller: Caller,
    thread: ThreadWithModels | undefined,
    { answers }: Said,
  ): Promise<readonly ShownAnswer[] | undefined> {
    const last = answers?.at(-1);
    if (answers === undefined || last === undefined) return answers && [];
    const ids = answers.map(({ id }) => id);
    const found = thread === undefined ? [] : await this.messages.answersAmong(caller, thread.thread.id, ids);
    const byId = new Map(found.map((answer) => [answer.id, answer]));
    if (!byId.has(last.id)) throw new DomainError('MESSAGE_NOT_FOUND', { param: last.param });
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  private async modelOf(
    caller: Caller,
    { modelId }: ChatRequest,
    { thread, shown }: Omit<Place, 'modelId'>,
  ): Promise<string> {
    const known = modelId ?? shown?.at(-1)?.modelId ?? lastUsed(thread);
    if (known !== undefined) return known;
    const models = await this.models.list(caller);
    const [first, ...others] = models.filter(({ model }) => model.capabilities.includes('chat'));
    if (first !== undefined && others.length === 0) return first.model.id;
    throw invalid(
      'modelId',
      'There is more than one model, or none: modelId must say which one is to answer.',
    );
  }

  private async newestGenerating(
    caller: Caller,
    thread: ThreadWithModels | undefined,
  ): Promise<string | undefined> {
    if (thread === undefined) return undefined;
    const generating = await this.messages.generatingIn(caller, thread.thread.id);
    return generating
      .map(({ id }) => id)
      .sort()
      .at(-1);
  }

  private async messageIn(
    caller: Caller,
    thread: ThreadWithModels | undefined,
    wireId: string,
  ): Promise<Message> {
    const id = messageIdOf(wireId);
    if (id === undefined) throw new DomainError('MESSAGE_NOT_FOUND', { param: 'messageId' });
    return this.requireIn(caller, thread, { id, param: 'messageId' });
  }

  private async requireIn(
    caller: Caller,
    thread: ThreadWithModels | undefined,
    { id, param }: { readonly id: string; readonly param: string },
  ): Promise<Message> {
    const message = await this.messages.get(caller, id);
    if (message.threadId !== thread?.thread.id) throw new DomainError('MESSAGE_NOT_FOUND', { param });
    return message;
  }
}

/** What the new message follows: null to begin anew, undefined when the front end does not say. Models do not follow each other. */
function parentAmong(shown: readonly ShownAnswer[] | undefined, modelId: string): string | null | undefined {
  return shown && (shown.findLast((answer) => answer.modelId === modelId)?.id ?? null);
}

function lastUsed(thread: ThreadWithModels | undefined): string | undefined {
  const byTime = thread?.models.toSorted(
    (one, other) => one.lastMessageAt.getTime() - other.lastMessageAt.getTime(),
  );
  return byTime?.at(-1)?.modelId;
}

function invalid(param: string, message: string): DomainError {
  return new DomainError('VALIDATION_FAILED', { param, message });
}
