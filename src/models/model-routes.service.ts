import { Injectable } from '@nestjs/common';
import { modelReachOf, refuseUngrantedModel } from '../auth/granted-models.js';
import { DomainError } from '../common/domain-error.js';
import { ownerOf } from '../common/owner.js';
import {
  AliasTargets,
  isAvailable,
  type LookUps,
  type ReachedTargets,
} from './aliases/alias-targets.service.js';
import type { FlattenedAlias } from './aliases/flatten.js';
import { KnownAliases } from './aliases/known-aliases.service.js';
import { Catalogue } from './catalogue/catalogue.service.js';
import type { AvailableModel } from './catalogue/catalogue-model.js';
import { ModelAccess } from './catalogue/model-access.service.js';
import type { ModelRoute, RoutePolicy, RouteTarget } from './model-route.js';
import type { ModelUser } from './model-user.js';
import { KnownPersonalKeys } from './personal-keys/known-personal-keys.service.js';
import { withoutKey } from './personal-keys/with-key.js';

const single = { strategy: 'ordered', maxTargets: 1, cooldownMs: 0 } as const;

/** A model with the connection that it is called by, whoever pays. */
type Callable = Pick<
  RouteTarget,
  'tenantId' | 'userId' | 'provider' | 'connection' | 'model' | 'personalKey'
>;

/** By which connection, and with whose credential, somebody calls a model. */
type Payment = (user: ModelUser, found: AvailableModel) => Promise<Callable>;

/** Where a name leads somebody: the one way from what a request names to what is called. */
@Injectable()
export class ModelRoutes {
  constructor(
    private readonly aliases: KnownAliases,
    private readonly aliasTargets: AliasTargets,
    private readonly catalogue: Catalogue,
    private readonly access: ModelAccess,
    private readonly keys: KnownPersonalKeys,
  ) {}

  /**
   * A name is that of a personal alias, else of one of the tenant, else of a model. Targets that cannot be used are left out.
   * @throws DomainError MODEL_NOT_GRANTED, MODEL_NOT_FOUND, MODEL_TARGET_BROKEN when an alias has no target left,
   *   API_KEY_REQUIRED, PERSONAL_KEY_UNREADABLE, ENCRYPTION_UNAVAILABLE, CONNECTION_UNREADABLE
   * @throws ProviderError when nothing is left, but some connection could not be asked whether it has a model
   */
  resolve(user: ModelUser, modelId: string): Promise<ModelRoute> {
    return this.route(user, modelId, (...asked) => this.paid(...asked));
  }

  /**
   * The same for those who only want to know how its models are: whatever they lack a key for is among them, without any credential.
   * @throws as `resolve`, without API_KEY_REQUIRED
   */
  lookUp(user: ModelUser, modelId: string): Promise<ModelRoute> {
    return this.route(user, modelId, (...asked) => this.paidIfPossible(...asked));
  }

  private async route(user: ModelUser, modelId: string, pay: Payment): Promise<ModelRoute> {
    refuseUngrantedModel(user, modelId);
    const names = await this.aliases.namesOf(user);
    const alias = names.find(modelId);
    if (alias === undefined) return this.toModel(user, modelId, pay);
    const lookUps: LookUps = new Map();
    const reached = await this.aliasTargets.reach(user, names, alias, lookUps);
    refuseBroken(reached);
    const paid = await this.payable(
      reached.leaves.map(({ found }) => found),
      (found) => pay(user, found),
    );
    const isComplete = reached.leaves.every(({ found }) => paid.has(found));
    if (!isComplete) await leaveOut(lookUps, paid);
    const { leaves, router } = isComplete
      ? reached
      : await this.aliasTargets.reach(user, names, alias, lookUps);
    const targets = leaves.flatMap(({ found, ...preset }) => {
      const callable = paid.get(found);
      return callable === undefined ? [] : [{ ...callable, ...preset }];
    });
    return { id: modelId, targets, policy: policyOf(router, targets.length), reach: modelReachOf(user) };
  }

  private async toModel(user: ModelUser, modelId: string, pay: Payment): Promise<ModelRoute> {
    const found = await this.catalogue.find(user.tenantId, modelId);
    if (found === undefined || !(await this.access.mayUse(user, found.model))) {
      throw new DomainError('MODEL_NOT_FOUND');
    }
    const target = { ...(await pay(user, found)), parameters: {}, weight: 1 };
    return { id: modelId, targets: [target], policy: single, reach: modelReachOf(user) };
  }

  /** Decided here and nowhere else. */
  private async paid(user: ModelUser, { provider, connection, model }: AvailableModel): Promise<Callable> {
    const payer = await this.keys.payer(user, connection, model.apiKeyRequired);
    return { ...ownerOf(user), provider, model, ...payer };
  }

  private async paidIfPossible(user: ModelUser, found: AvailableModel): Promise<Callable> {
    try {
      return await this.paid(user, found);
    } catch (error) {
      if (!isKeyMissing(error)) throw error;
      const { provider, connection, model } = found;
      return { ...ownerOf(user), provider, model, connection: withoutKey(connection) };
    }
  }

  /** Without those for which a key is missing, or whose credential cannot be read, unless that leaves none. */
  private async payable(
    models: readonly AvailableModel[],
    pay: (found: AvailableModel) => Promise<Callable>,
  ): Promise<Map<AvailableModel, Callable>> {
    const settled = await Promise.allSettled(models.map(async (found) => [found, await pay(found)] as const));
    const failed = settled.filter((target) => target.status === 'rejected');
    const fatal = failed.find(({ reason }) => !isPassedOver(reason)) ?? failed.at(settled.length - 1);
    if (fatal !== undefined) throw fatal.reason;
    return new Map(settled.filter((target) => target.status === 'fulfilled').map(({ value }) => value));
  }
}

/** What is passed over leaves its share to the others of its part of a router, as what is not there does. */
async function leaveOut(lookUps: LookUps, paid: ReadonlyMap<AvailableModel, unknown>): Promise<void> {
  for (const [key, lookUp] of lookUps) {
    const end = await lookUp;
    if (isAvailable(end) && !paid.has(end)) lookUps.set(key, Promise.resolve('unavailable'));
  }
}

function isKeyMissing(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'API_KEY_REQUIRED';
}

/** Not a personal key that is there: no other model answers in its place. */
function isPassedOver(error: unknown): boolean {
  return isKeyMissing(error) || (error instanceof DomainError && error.code === 'CONNECTION_UNREADABLE');
}

/** Where a credential stands in the way, that is said first: it is refused, be there such models or not. */
function refuseBroken({ leaves, problems, failure }: ReachedTargets): void {
  if (leaves.length > 0) return;
  if (problems.some(({ reason }) => reason === 'not_granted')) throw new DomainError('MODEL_NOT_GRANTED');
  if (failure !== undefined) throw failure;
  throw new DomainError('MODEL_TARGET_BROKEN');
}

function policyOf(router: FlattenedAlias | undefined, targets: number): RoutePolicy {
  if (router === undefined) return single;
  const { strategy, maxAttempts, cooldownMs } = router;
  return { strategy, maxTargets: maxAttempts ?? targets, cooldownMs };
}
