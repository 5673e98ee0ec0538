import { Injectable } from '@nestjs/common';
import { isModelGranted } from '../../auth/granted-models.js';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import { inParallel } from '../../common/in-parallel.js';
import type { ModelStatus } from '../../llm-providers/contract/model-info.js';
import { CircuitBreakers, type BreakerState } from '../circuit-breakers.js';
import type { ModelRoute, RouteTarget } from '../model-route.js';
import { ModelRoutes } from '../model-routes.service.js';
import type { ModelUser } from '../model-user.js';
import { PersonalKeyUses } from '../personal-keys/personal-key-uses.service.js';
import { toFailure } from '../provider-failure.js';
import { askStatuses } from './ask-status.js';
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

/** What a server says of a model, or why it says nothing. */
type SaidStatus = ModelStatus & Pick<TargetStatus, 'errorCode'>;

/** Servers of one name that are asked at a time. */
const serversAtOnce = 4;

const fromBest: readonly ModelStatus['state'][] = ['loaded', 'loading', 'not_loaded', 'error', 'unavailable'];

/** How models are: whether they can be used, are in memory, or on the way to it. */
@Injectable()
export class ModelStatuses {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly loads: ModelLoads,
    private readonly keyUses: PersonalKeyUses,
    private readonly breakers: CircuitBreakers,
  ) {}

  /**
   * A server that cannot be reached is a status, not a failure.
   * @throws DomainError as `lookUp`; MODEL_NOT_FOUND also for what is not granted
   */
  async of(user: ModelUser, modelId: string, call: LoadCall): Promise<RouteStatus> {
    if (!isModelGranted(user, modelId)) throw new DomainError('MODEL_NOT_FOUND');
    const { id, targets } = await this.lookUp(user, modelId);
    const statuses = await this.ofTargets(targets, call);
    const [best, ...others] = statuses.sort((a, b) => fromBest.indexOf(a.state) - fromBest.indexOf(b.state));
    if (best === undefined) throw new DomainError('MODEL_NOT_FOUND');
    return { id, targets: [best, ...others] };
  }

  /**
   * Has a model loaded, unless that is under way; one that is loaded stays so for longer. Of several targets it is the first that is
   * loaded at all.
   * @throws DomainError as `lookUp`; MODEL_NEEDS_NO_LOADING, API_KEY_REQUIRED
   */
  async load(user: ModelUser, modelId: string, requestId: string): Promise<LoadRecord> {
    const { targets } = await this.routes.resolve(user, modelId).catch(asFailure);
    const target = targets.find(({ provider }) => provider.load !== undefined);
    if (target === undefined) throw new DomainError('MODEL_NEEDS_NO_LOADING');
    return this.loads.begin(target, true, requestId);
  }

  /**
   * A load that the tenant asked for, and how it goes on, until it has ended or the signal aborts, which stops nothing but the following.
   * @throws DomainError as `lookUp`; MODEL_LOAD_NOT_FOUND
   */
  async follow(
    user: ModelUser,
    { modelId, loadId, signal }: { modelId: string; loadId: string; signal: AbortSignal },
  ): Promise<AsyncIterable<FollowedLoad>> {
    const { targets } = await this.lookUp(user, modelId);
    for (const target of targets) {
      const load = await this.loads.find(target, loadId);
      if (load !== null) return followed(this.loads.follow(load, signal), target);
    }
    throw new DomainError('MODEL_LOAD_NOT_FOUND');
  }

  /** @throws DomainError MODEL_NOT_GRANTED, MODEL_NOT_FOUND, MODEL_TARGET_BROKEN; what the provider did when it cannot be asked */
  private lookUp(user: ModelUser, modelId: string): Promise<ModelRoute> {
    return this.routes.lookUp(user, modelId).catch(asFailure);
  }

  /** Asks each server once, a few at a time, and none where every breaker is open. In the order of the targets. */
  private async ofTargets(targets: readonly RouteTarget[], call: LoadCall): Promise<TargetStatus[]> {
    const local = targets.filter(({ provider }) => provider.status !== undefined);
    const loads = local.length === 0 ? [] : await this.loads.latest(local);
    const asked = [...Map.groupBy(local, ({ connection }) => connection.id).values()];
    const answers = await inParallel(asked, serversAtOnce, (group) => this.ask(group, call));
    const said = new Map(answers.flat());
    return targets.map((target) => {
      const { provider, connection, model, userId } = target;
      const circuit = this.breakers.state(connection.id, model.id, userId);
      const known = { modelId: model.id, provider: connection.name, circuit };
      if (provider.status === undefined) {
        return { ...known, state: circuit === 'open' ? 'unavailable' : 'loaded' };
      }
      const load = loads.find((one) => one.connectionId === connection.id && one.model === model.id);
      const status = said.get(target) ?? { state: 'unavailable' };
      return { ...known, ...('errorCode' in status ? status : withLoad(status, load, target)) };
    });
  }

  /** What one server says of its models; nothing of those that are not called at the moment. */
  private async ask(targets: readonly RouteTarget[], call: LoadCall): Promise<[RouteTarget, SaidStatus][]> {
    const called = targets.filter(
      ({ connection, model, userId }) => this.breakers.state(connection.id, model.id, userId) !== 'open',
    );
    const [first] = called;
    if (first === undefined) return [];
    this.keyUses.note(first.personalKey);
    const models = called.map(({ model }) => model.id);
    try {
      const statuses = (await askStatuses(first, models, call)) ?? [];
      return called.map((target, index) => [target, statuses[index] ?? { state: 'unavailable' }]);
    } catch (error) {
      // Nobody is there any more to be told.
      if (call.signal.aborted) return [];
      const errorCode = toFailure(error, first).code;
      return called.map((target) => [target, { state: 'error', errorCode }]);
    }
  }
}

function asFailure(error: unknown): never {
  throw toFailure(error);
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
  status: ModelStatus,
  load: LoadRecord | undefined,
  { provider }: RouteTarget,
): Omit<TargetStatus, 'modelId' | 'provider' | 'circuit'> {
  if (load === undefined) return status;
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
