import { Injectable } from '@nestjs/common';
import { isModelGranted } from '../../auth/granted-models.js';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import type { ModelStatus } from '../../llm-providers/contract/model-info.js';
import { CircuitBreakers, type BreakerState } from '../circuit-breakers.js';
import type { ModelRoute, RouteTarget } from '../model-route.js';
import { ModelRoutes } from '../model-routes.service.js';
import type { ModelUser } from '../model-user.js';
import { toFailure } from '../provider-failure.js';
import { askStatus } from './ask-status.js';
import type { LoadCall } from './load-attempts.js';
import { toLoadFailure } from './load-failure.js';
import type { LoadRecord } from './model-load.entity.js';
import { ModelLoads } from './model-loads.service.js';

/** One model of one connection, as it could be used now. */
export interface TargetStatus extends ModelStatus {
  readonly modelId: string;
  readonly provider: string;
  readonly circuit: BreakerState;
  /** The load that is under way, or that failed. */
  readonly load?: LoadRecord;
  /** When it was last loaded by us. */
  readonly loadedAt?: Date;
  readonly errorCode?: ErrorCode;
}

/** What a name leads to; never empty, and of several the most usable first. */
export interface RouteStatus {
  readonly id: string;
  readonly targets: readonly [TargetStatus, ...TargetStatus[]];
}

const fromBest: readonly ModelStatus['state'][] = ['loaded', 'loading', 'not_loaded', 'error', 'unavailable'];

/** How models are: whether they can be used, are in memory, or on the way to it. */
@Injectable()
export class ModelStatuses {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly loads: ModelLoads,
    private readonly breakers: CircuitBreakers,
  ) {}

  /**
   * A server that cannot be reached is a status, not a failure.
   * @throws DomainError as `routeOf`; MODEL_NOT_FOUND also for what is not granted
   */
  async of(user: ModelUser, modelId: string, call: LoadCall): Promise<RouteStatus> {
    if (!isModelGranted(user, modelId)) throw new DomainError('MODEL_NOT_FOUND');
    const { id, targets } = await this.routeOf(user, modelId);
    const statuses = await Promise.all(targets.map((target) => this.ofTarget(target, call)));
    const [best, ...others] = statuses.sort((a, b) => fromBest.indexOf(a.state) - fromBest.indexOf(b.state));
    if (best === undefined) throw new DomainError('MODEL_NOT_FOUND');
    return { id, targets: [best, ...others] };
  }

  /**
   * Has a model loaded, unless that is under way; one that is loaded stays so for longer. Of several targets it is the first that is
   * loaded at all.
   * @throws DomainError as `routeOf`; MODEL_NEEDS_NO_LOADING
   */
  async load(user: ModelUser, modelId: string, requestId: string): Promise<LoadRecord> {
    const { targets } = await this.routeOf(user, modelId);
    const target = targets.find(({ provider }) => provider.load !== undefined);
    if (target === undefined) throw new DomainError('MODEL_NEEDS_NO_LOADING');
    return this.loads.begin(target, true, requestId);
  }

  /**
   * A load of the model and how it goes on, until it has ended or the signal aborts, which stops nothing but the following.
   * @throws DomainError as `routeOf`; MODEL_LOAD_NOT_FOUND
   */
  async follow(
    user: ModelUser,
    { modelId, loadId, signal }: { modelId: string; loadId: string; signal: AbortSignal },
  ): Promise<AsyncIterable<FollowedLoad>> {
    const { targets } = await this.routeOf(user, modelId);
    for (const target of targets) {
      const load = await this.loads.find(target, loadId);
      if (load !== null) return followed(this.loads.follow(load, signal), target);
    }
    throw new DomainError('MODEL_LOAD_NOT_FOUND');
  }

  /** @throws DomainError MODEL_NOT_GRANTED, MODEL_NOT_FOUND, MODEL_TARGET_BROKEN; what the provider did when it cannot be asked */
  private async routeOf(user: ModelUser, modelId: string): Promise<ModelRoute> {
    return this.routes.resolve(user, modelId).catch((error: unknown) => {
      throw toFailure(error);
    });
  }

  private async ofTarget(target: RouteTarget, call: LoadCall): Promise<TargetStatus> {
    const { provider, connection, model } = target;
    const circuit = this.breakers.state(connection.id, model.id);
    const known = { modelId: model.id, provider: connection.name, circuit };
    if (provider.status === undefined) {
      return { ...known, state: circuit === 'open' ? 'unavailable' : 'loaded' };
    }
    const load = await this.loads.latest(target);
    try {
      return { ...known, ...withLoad(await askStatus(target, call), load, target) };
    } catch (error) {
      call.signal.throwIfAborted();
      return { ...known, state: 'error', errorCode: toFailure(error, target).code };
    }
  }
}

/** A load as its followers are told of it. */
export interface FollowedLoad {
  readonly load: LoadRecord;
  /** Why it failed, when it did. */
  readonly failure: DomainError | undefined;
}

async function* followed(
  loads: AsyncIterable<LoadRecord>,
  { provider }: RouteTarget,
): AsyncGenerator<FollowedLoad, void, undefined> {
  for await (const load of loads) {
    const { errorCode } = load;
    yield { load, failure: errorCode === null ? undefined : toLoadFailure(provider.kind, errorCode) };
  }
}

/** What the server says, and what we know besides: it tells neither that it is loading nor that it could not. */
function withLoad(
  status: ModelStatus = { state: 'unavailable' },
  load: LoadRecord | null,
  { provider }: RouteTarget,
): Omit<TargetStatus, 'modelId' | 'provider' | 'circuit'> {
  if (load === null) return status;
  if (status.state === 'loaded') {
    return load.state === 'loaded' && load.finishedAt !== null
      ? { ...status, loadedAt: load.finishedAt }
      : status;
  }
  if (load.state === 'loading') return { ...status, state: 'loading', load };
  if (load.errorCode === null) return status;
  const errorCode = toLoadFailure(provider.kind, load.errorCode).code;
  return { state: status.state === 'unavailable' ? 'unavailable' : 'error', load, errorCode };
}
