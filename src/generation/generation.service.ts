import { Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import type { Caller } from '../auth/caller.js';
import { ownerOf, type Owner } from '../common/owner.js';
import type { Message } from '../messages/message.entity.js';
import { MessagesService, type Exchange, type NewAnswer } from '../messages/messages.service.js';
import type { ThreadReference } from '../threads/threads.service.js';
import { Metering } from '../usage/metering.service.js';
import type { Door, Estimate } from '../usage/usage-record.js';
import { estimateFor } from './call-result.js';
import { GenerationAdmission } from './generation-admission.service.js';
import { GenerationPlans } from './generation-plans.js';
import { GenerationStarter, type Generation } from './generation-starter.js';
import type { PlannedCall } from './model-call.js';
import { fingerprintOf, type RepeatableRequest } from './repeatable-request.js';
import { Replicas } from './replicas.js';
import { RunningGenerations } from './running-generations.js';

/** How an answer is asked for. */
interface Wish {
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly systemPrompt?: string | undefined;
  readonly requestId: string;
  /** The API that it came by; `native` when nothing is said. */
  readonly door?: Door | undefined;
  /** Made up by the client: the same request with the same key begins no second answer. */
  readonly idempotencyKey?: string | undefined;
  /** What the client said, where a door makes something else of it: by that it is known to be the same request. */
  readonly said?: object | undefined;
}

export interface Post extends Wish {
  readonly threadId: ThreadReference;
  readonly modelId: string;
  readonly content: string;
  /** As in `NewExchange`. */
  readonly parentId?: string | null | undefined;
}

export interface Regeneration extends Wish {
  /** The answer that gets a sibling. */
  readonly messageId: string;
}

/** Another replica stops within a second (conversations.md, promise 3); in milliseconds. */
const patienceMs = 3000;
const lookEveryMs = 100;

/** The one place where a model is called for a thread. */
@Injectable()
export class GenerationService {
  constructor(
    private readonly plans: GenerationPlans,
    private readonly messages: MessagesService,
    private readonly admission: GenerationAdmission,
    private readonly starter: GenerationStarter,
    private readonly replicas: Replicas,
    private readonly running: RunningGenerations,
    private readonly metering: Metering,
  ) {}

  /**
   * Commits the user's message and lets the model answer. The generation goes on whether or not anybody reads its stream.
   * @throws DomainError what `GenerationPlans.plan`, `MessagesService.beginExchange` and `GenerationAdmission` throw;
   *   nothing has changed then
   */
  post(caller: Caller, post: Post): Promise<Generation> {
    const request = repeatable('post', post);
    return this.admission.once(caller, request, () =>
      this.generate(caller, { ...post, request }, (answer) =>
        this.messages.beginExchange(caller, { ...post, ...answer }),
      ),
    );
  }

  /**
   * Lets the model of an answer answer once more, beside it.
   * @throws DomainError MESSAGE_NOT_FOUND, MESSAGE_NOT_AN_ANSWER, and as `post`
   */
  async regenerate(caller: Caller, regeneration: Regeneration): Promise<Generation> {
    const request = repeatable('regenerate', regeneration);
    const question = await this.messages.questionOf(caller, regeneration.messageId);
    const { modelId, content } = question;
    return this.admission.once(caller, request, () =>
      this.generate(caller, { ...regeneration, modelId, content, request }, (answer) =>
        this.messages.beginAnswer(caller, question, answer),
      ),
    );
  }

  private async generate(
    caller: Caller,
    wish: Wish & Pick<Post, 'modelId' | 'content'> & { readonly request: RepeatableRequest | undefined },
    begin: (answer: NewAnswer) => Promise<Exchange>,
  ): Promise<Generation> {
    const plan = await this.plans.plan(caller, wish);
    const exchange = await begin({
      ...plan.first,
      replicaId: this.replicas.own,
      historyBytes: plan.historyBytes,
      alongside: async ({ assistantMessage, earlier }, db) => {
        await this.admission.enter(caller, wish.request, assistantMessage, db);
        await this.account(caller, assistantMessage, { door: wish.door, call: plan.ask(earlier) }, db);
      },
    });
    return this.starter.start(exchange, { ...plan.ask(exchange.earlier), requestId: wish.requestId });
  }

  /** In the transaction that adds the answer: whatever becomes of us, it will be accounted for. */
  private async account(
    caller: Caller,
    { id, modelId, createdAt }: Message,
    { door = 'native', call }: { readonly door: Door | undefined; readonly call: PlannedCall },
    db: EntityManager,
  ): Promise<void> {
    const { credential } = caller;
    const token = credential.kind === 'token' ? credential : undefined;
    const tokenId = token?.tokenId ?? null;
    const origin = { id, ...ownerOf(caller), tokenId, door, modelId, createdAt };
    await this.metering.open(origin, token?.budget, estimateOf(call), db);
  }

  /**
   * Stops an answer, wherever it is generated, and keeps what has arrived.
   * @returns the message: ended if this replica generates it; else as it is now, and within a second ended by its replica
   * @throws DomainError MESSAGE_NOT_FOUND
   */
  async cancel(owner: Owner, messageId: string): Promise<Message> {
    const message = await this.messages.get(owner, messageId);
    if (message.replicaId === null) return message;
    await this.messages.requestCancel(owner, messageId);
    await this.running.stop(messageId, 'cancelled');
    return this.messages.get(owner, messageId);
  }

  /** Stops everything that is being generated in a thread, and waits for it, but not longer than for a replica that is dead. */
  async cancelThread(owner: Owner, threadId: string): Promise<void> {
    for (const { id } of await this.messages.generatingIn(owner, threadId)) await this.cancel(owner, id);
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += lookEveryMs) {
      if ((await this.messages.generatingIn(owner, threadId)).length === 0) return;
      await wait(lookEveryMs);
    }
  }
}

function repeatable(route: RepeatableRequest['route'], wish: Wish): RepeatableRequest | undefined {
  const { requestId: _ofEachTime, door: _ofEachWay, idempotencyKey: key, said, ...content } = wish;
  if (key === undefined) return undefined;
  return said === undefined
    ? { key, route, fingerprint: fingerprintOf(content) }
    : { key, route: 'chat', fingerprint: fingerprintOf(said) };
}

function estimateOf({ route, tokensOf }: PlannedCall): Estimate {
  return estimateFor(route.targets.map((target) => ({ target, ...tokensOf(target) })));
}
