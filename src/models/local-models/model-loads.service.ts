import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { Ids } from '../../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { outsideRequests } from '../../infrastructure/http/request-context.js';
import { Log } from '../../infrastructure/logging/log.js';
import { ProviderError } from '../../llm-providers/contract/provider-error.js';
import { PersonalKeyUses } from '../personal-keys/personal-key-uses.service.js';
import { loadWithRetries, type LoadTarget, type RetryLimits } from './load-attempts.js';
import { LoadView } from './load-view.js';
import type { LoadFailureCode, LoadRecord } from './model-load.entity.js';
import { ModelLoadsRepository, type LoadedThing } from './model-loads.repository.js';

const beatEveryMs = 500;
const lookEveryMs = 300;

/** A load that this replica carries out. */
interface Run {
  readonly stopping: AbortController;
  /** Never rejects. */
  ended: Promise<void>;
  /** Messages here that wait for it. */
  waiters: number;
}

/** A load that somebody follows here, or that is carried out here. */
interface Watched {
  readonly view: LoadView;
  readonly run: Run | undefined;
  followers: number;
}

/** The loads of models, of which each model has one at a time on all replicas together. */
@Injectable()
export class ModelLoads implements BeforeApplicationShutdown {
  private readonly limits: RetryLimits;
  private readonly watched = new Map<string, Watched>();

  constructor(
    private readonly repository: ModelLoadsRepository,
    private readonly keyUses: PersonalKeyUses,
    private readonly ids: Ids,
    private readonly log: Log,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.limits = {
      maxAttempts: config['generation.maxAttempts'],
      baseDelayMs: config['generation.retryBaseDelayMs'],
    };
  }

  /**
   * The load of a model that is under way, on whatever replica; begins it here when there is none.
   * @param requested it shall go on although no message waits for it
   */
  async begin(target: LoadTarget, requested: boolean, requestId: string): Promise<LoadRecord> {
    const id = this.ids.next();
    const load = await this.repository.begin(thingOf(target), id, requested);
    if (load.id === id) outsideRequests(() => this.start(load, target, requestId));
    return load;
  }

  /** One of the tenant's. */
  find(target: LoadTarget, id: string): Promise<LoadRecord | null> {
    return this.repository.find(thingOf(target), id);
  }

  /**
   * The one of the tenant's that began last, of each of the targets for which there is one, in any order. That one was interrupted is no
   * news; that one failed is, for five minutes.
   */
  latest(targets: readonly LoadTarget[]): Promise<LoadRecord[]> {
    return this.repository.latest(targets.map(thingOf));
  }

  /** A load as it goes on, until it has ended or the signal aborts, which ends only the following. */
  async *follow(load: LoadRecord, signal: AbortSignal): AsyncGenerator<LoadRecord, void, undefined> {
    const watched = this.watch(load);
    try {
      yield* watched.view.follow(signal);
    } finally {
      watched.followers -= 1;
    }
  }

  /**
   * The same for a message that needs the model: when none does any more, and nobody asked for the load by itself, it is stopped.
   * @throws the signal's reason
   */
  async *join(load: LoadRecord, signal: AbortSignal): AsyncGenerator<LoadRecord, void, undefined> {
    const run = this.watched.get(load.id)?.run;
    if (run !== undefined) run.waiters += 1;
    try {
      yield* this.follow(load, signal);
    } finally {
      if (run !== undefined) this.leave(load.id, run);
    }
    signal.throwIfAborted();
  }

  async beforeApplicationShutdown(): Promise<void> {
    const runs = [...this.watched.values()].flatMap(({ run }) => run ?? []);
    for (const { stopping } of runs) stopping.abort();
    await Promise.all(runs.map(({ ended }) => ended));
  }

  private start(load: LoadRecord, target: LoadTarget, requestId: string): void {
    const run: Run = { stopping: new AbortController(), ended: Promise.resolve(), waiters: 0 };
    const view = new LoadView(load);
    this.watched.set(load.id, { view, run, followers: 0 });
    run.ended = this.carryOut(view, target, { signal: run.stopping.signal, requestId }, run).finally(() => {
      this.watched.delete(load.id);
    });
  }

  /** Never rejects. What could not be written is stale after a while, and then interrupted. */
  private async carryOut(
    view: LoadView,
    target: LoadTarget,
    call: { readonly signal: AbortSignal; readonly requestId: string },
    run: Run,
  ): Promise<void> {
    const beating = setInterval(() => void this.beat(view.latest, run), beatEveryMs);
    let failure: LoadFailureCode | null = null;
    let asked = 0;
    try {
      await loadWithRetries(target, call, this.limits, (state) => {
        if (state.attempts > asked) this.keyUses.note(target.personalKey);
        asked = state.attempts;
        view.show({ ...view.latest, ...state });
      });
    } catch (error) {
      failure = call.signal.aborted ? 'interrupted' : this.codeOf(error, target);
    } finally {
      clearInterval(beating);
    }
    const ended: LoadRecord = {
      ...view.latest,
      ...(failure === null ? { state: 'loaded', progress: 1 } : { state: 'error', errorCode: failure }),
    };
    await this.repository.finish(ended).catch((error: unknown) => {
      this.log.error({ err: error }, 'the end of a load could not be written');
    });
    view.show(ended);
  }

  /** Says that this replica lives and how far it is, and hears whether the load is still wanted. */
  private async beat(load: LoadRecord, { stopping }: Run): Promise<void> {
    try {
      if (!(await this.repository.beat(load))) stopping.abort();
    } catch (error) {
      this.log.warn({ err: error }, 'the progress of a load could not be written');
    }
  }

  private codeOf(error: unknown, { connection, model }: LoadTarget): LoadFailureCode {
    this.log.warn(
      { err: error, connectionId: connection.id, modelId: model.id },
      'a model could not be loaded',
    );
    return error instanceof ProviderError ? error.code : 'unknown';
  }

  private leave(id: string, run: Run): void {
    run.waiters -= 1;
    if (run.waiters > 0) return;
    this.repository.abandon(id).then(
      (isAbandoned) => {
        if (isAbandoned) run.stopping.abort();
      },
      (error: unknown) => this.log.warn({ err: error }, 'a load that nobody waits for goes on'),
    );
  }

  /** Counts one follower more. */
  private watch(load: LoadRecord): Watched {
    const known = this.watched.get(load.id);
    if (known !== undefined) {
      known.followers += 1;
      return known;
    }
    const watched: Watched = { view: new LoadView(load), run: undefined, followers: 1 };
    this.watched.set(load.id, watched);
    void outsideRequests(() => this.look(watched.view, () => watched.followers > 0));
    return watched;
  }

  /** One question every now and then for all who follow a load of another replica. */
  private async look(view: LoadView, isFollowed: () => boolean): Promise<void> {
    const { latest } = view;
    while (view.latest.state === 'loading' && isFollowed()) {
      await wait(lookEveryMs);
      try {
        const load = await this.repository.reread(latest);
        view.show(load ?? { ...view.latest, state: 'error', errorCode: 'interrupted' });
      } catch (error) {
        this.log.warn({ err: error }, 'the progress of a load could not be read');
      }
    }
    this.watched.delete(latest.id);
  }
}

function thingOf({ tenantId, connection, model }: LoadTarget): LoadedThing {
  return { tenantId, connectionId: connection.id, model: model.id };
}
