import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { Random } from '../common/random.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Log } from '../infrastructure/logging/log.js';
import { adapterDefect } from '../llm-providers/adapter-defect.js';
import type { GenerateEvent, StartEvent } from '../llm-providers/contract/generate-event.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import { CircuitBreakers, isOutage, type Passage } from '../models/circuit-breakers.js';
import { LocalModels } from '../models/local-models/local-models.service.js';
import type { RouteTarget } from '../models/model-route.js';
import { PersonalKeyUses } from '../models/personal-keys/personal-key-uses.service.js';
import { attempt } from './attempt.js';
import type { Call, CallEvent, CallLimits, ModelCall } from './model-call.js';
import { TargetOrder } from './target-order.js';

/** While somebody else could answer, nobody waits longer than this for one who asks for it, in ms. */
const momentMs = 1000;

/** Calls whatever a route leads to. Knows neither threads nor HTTP; holds no database connection. */
@Injectable()
export class ModelCalls {
  private readonly limits: CallLimits;

  constructor(
    private readonly order: TargetOrder,
    private readonly breakers: CircuitBreakers,
    @Inject(LocalModels) private readonly localModels: Pick<LocalModels, 'ensureLoaded'>,
    @Inject(PersonalKeyUses) private readonly keyUses: Pick<PersonalKeyUses, 'note'>,
    private readonly random: Random,
    private readonly log: Log,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.limits = {
      firstTokenTimeoutMs: config['generation.firstTokenTimeoutMs'],
      idleTimeoutMs: config['generation.idleTimeoutMs'],
      maxAttempts: config['generation.maxAttempts'],
      retryBaseDelayMs: config['generation.retryBaseDelayMs'],
    };
  }

  /** An answer in the words of the provider contract; as `run`. */
  stream({ requestOf, ...call }: ModelCall): AsyncGenerator<GenerateEvent, void, undefined> {
    return this.run({
      ...call,
      prepare: async (target) => {
        const request = await requestOf(target);
        return (context) => target.provider.stream(request, context);
      },
    });
  }

  /**
   * One answer: `start` once and first, `finish` once and last. Until there is output, a target that fails is asked again, and then
   * the next one is (models.md, router); afterwards every failure is the end. Targets whose breaker is open are left out.
   * @throws ProviderError of the target that was asked last, or overloaded when none could be; the reason of `signal` when that aborts
   */
  async *run<Event extends CallEvent>(
    call: Call<Event>,
  ): AsyncGenerator<Event | StartEvent, void, undefined> {
    const { maxTargets } = call.route.policy;
    const targets = this.order.of(call.route);
    let failure: ProviderError | undefined;
    let asked = 0;
    for (const [index, target] of targets.entries()) {
      if (asked === maxTargets) break;
      if (this.isOpen(target)) continue;
      call.signal.throwIfAborted(); // Whoever left before anybody was asked has nothing to pay.
      asked++;
      call.onTarget(target);
      if (index > 0) call.onStatus({ status: 'falling_back', modelId: target.model.id });
      const isLast = asked === maxTargets || targets.slice(index + 1).every((next) => this.isOpen(next));
      failure = yield* this.ask(target, call, isLast);
      if (failure === undefined) return;
    }
    throw failure ?? this.allOpen(targets);
  }

  /** @returns the failure on which to fall back; undefined when the target has answered */
  private async *ask<Event extends CallEvent>(
    target: RouteTarget,
    call: Call<Event>,
    isLast: boolean,
  ): AsyncGenerator<Event | StartEvent, ProviderError | undefined, undefined> {
    for (let attempts = 1; ; attempts++) {
      const reached = { loaded: false, output: false };
      try {
        for await (const event of this.answer(target, call, reached)) {
          yield event;
        }
        this.order.answered(target);
        return undefined;
      } catch (error) {
        if (reached.output || call.signal.aborted || !(error instanceof ProviderError)) throw error;
        // Loading has retries of its own.
        const delayMs = reached.loaded ? this.retryDelay(error, attempts, isLast) : undefined;
        const goesOn = delayMs !== undefined && (await this.pause(delayMs, target, call));
        if (goesOn) continue;
        if (!fallsBack(error, target, reached.loaded)) throw error;
        this.order.failed(target, error.retryAfterMs);
        return error;
      }
    }
  }

  /** One attempt, reported to the breaker. Yields nothing before there is output; `reached` tells how far it came. */
  private async *answer<Event extends CallEvent>(
    target: RouteTarget,
    call: Call<Event>,
    reached: { loaded: boolean; output: boolean },
  ): AsyncGenerator<Event | StartEvent, void, undefined> {
    await this.load(target, call);
    reached.loaded = true;
    const ask = await call.prepare(target);
    const passage = this.admit(target);
    if (passage === undefined) throw this.allOpen([target]);
    let verdict: Parameters<Passage['ended']>[0] = 'neither';
    try {
      this.keyUses.note(target.personalKey);
      let start: Event | undefined;
      for await (const event of attempt(target, ask, call, this.limits)) {
        if (event.type === 'start') {
          start = event;
          continue;
        }
        if (event.type === 'finish') verdict = 'succeeded';
        if (!reached.output) {
          reached.output = true;
          passage.began();
          yield start ?? { type: 'start' };
        }
        yield event;
      }
      if (verdict !== 'succeeded') throw withoutFinish(target, reached.output);
    } catch (error) {
      if (call.signal.aborted) throw error;
      const failure =
        error instanceof ProviderError ? error : adapterDefect(error, target.connection, this.log);
      if (isOutage(failure)) verdict = 'failed';
      throw failure;
    } finally {
      passage.ended(verdict);
    }
  }

  /** It may take minutes, so it is no passage of the breaker: that hears only of a failure. */
  private async load(target: RouteTarget, call: Call<CallEvent>): Promise<void> {
    try {
      await this.loadAndTell(target, call);
    } catch (error) {
      const failed = !call.signal.aborted && error instanceof ProviderError && isOutage(error);
      if (failed) this.admit(target)?.ended('failed');
      throw error;
    }
  }

  /** Tells each whole percent once. */
  private async loadAndTell(target: RouteTarget, call: Call<CallEvent>): Promise<void> {
    let told: number | undefined;
    for await (const { state, progress } of this.localModels.ensureLoaded(target, call)) {
      const percent = Math.floor((progress ?? 0) * 100);
      if (state !== 'loading' || percent === told) continue;
      told = percent;
      const { id: modelId } = target.model;
      call.onStatus({ status: 'loading', modelId, ...(progress === undefined ? {} : { progress }) });
    }
  }

  /** Undefined when the target is not to be asked again. */
  private retryDelay(error: ProviderError, attempts: number, isLast: boolean): number | undefined {
    if (!error.retryable || attempts >= this.limits.maxAttempts) return undefined;
    const { code, retryAfterMs } = error;
    // Whoever must wait longer than for a silent model is better told so at once.
    const patienceMs = isLast ? this.limits.firstTokenTimeoutMs : momentMs;
    if ((retryAfterMs ?? 0) > patienceMs) return undefined;
    // Another one would answer sooner than this one recovers, or is silent once more.
    if (!isLast && (code === 'timeout' || (code === 'rate_limit' && retryAfterMs === undefined)))
      return undefined;
    const backoff = this.limits.retryBaseDelayMs * 2 ** (attempts - 1) * (0.5 + this.random.next());
    return Math.max(backoff, retryAfterMs ?? 0);
  }

  /** @returns whether the target may still be called */
  private async pause(delayMs: number, target: RouteTarget, call: Call<CallEvent>): Promise<boolean> {
    if (this.isOpen(target)) return false;
    call.onStatus({ status: 'retrying', modelId: target.model.id });
    const { signal } = call;
    await wait(delayMs, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
    return !this.isOpen(target);
  }

  private admit({ connection, model, userId }: RouteTarget): Passage | undefined {
    return this.breakers.admit(connection.id, model.id, userId);
  }

  private refusedForMs({ connection, model, userId }: RouteTarget): number | undefined {
    return this.breakers.refusedForMs(connection.id, model.id, userId);
  }

  private isOpen(target: RouteTarget): boolean {
    return this.refusedForMs(target) !== undefined;
  }

  private allOpen(targets: readonly RouteTarget[]): ProviderError {
    const [first] = targets;
    if (first === undefined) throw new Error('A route has a target.');
    const retryAfterMs = Math.min(...targets.map((target) => this.refusedForMs(target) ?? 0));
    return new ProviderError({ provider: first.provider.kind, code: 'overloaded', retryAfterMs });
  }
}

/**
 * Whether another target may do better: 408, 429, 5xx, time-outs, network, overloaded, not a valid answer, and local models that
 * are not there or could not be loaded for no known reason. A credential or a request that is refused is not for others to take.
 */
function fallsBack(error: ProviderError, { model }: RouteTarget, loaded: boolean): boolean {
  if (error.code === 'not_found') return model.requiresLoading;
  if (error.code === 'unknown' && !loaded) return true;
  return error.code === 'rate_limit' || isOutage(error);
}

function withoutFinish({ provider }: RouteTarget, begun: boolean): ProviderError {
  return new ProviderError({ provider: provider.kind, code: 'invalid_response', truncated: begun });
}
