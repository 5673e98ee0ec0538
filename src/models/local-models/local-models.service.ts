import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import type { LoadProgress, ModelStatus } from '../../llm-providers/contract/model-info.js';
import { PersonalKeyUses } from '../personal-keys/personal-key-uses.service.js';
import { askStatuses } from './ask-status.js';
import type { LoadCall, LoadTarget } from './load-attempts.js';
import { toProviderError } from './load-failure.js';
import { ModelLoads } from './model-loads.service.js';

/** For how long a model is taken as loaded unasked, in ms: servers keep one for minutes after its last request. */
const believedMs = 5000;
const maxBelieved = 1000;

/** Loads that others stopped are begun anew this often. */
const maxLoads = 3;

/** Models of servers that hold them in memory only while they are used. */
@Injectable()
export class LocalModels {
  /** Until when each is taken as loaded, by connection and model; monotonic. */
  private readonly believed = new Map<string, number>();

  constructor(
    private readonly loads: ModelLoads,
    private readonly keyUses: PersonalKeyUses,
    private readonly clock: Clock,
  ) {}

  /**
   * Sees to it that a model is in memory, and reports progress meanwhile; at once and without a word when it is, or when its vendor
   * needs no loading. Joins a load that is under way, on any replica.
   * @throws ProviderError when the model cannot be loaded, after retries with backoff: there is no use in asking again at once;
   *   the signal's reason, and the load stops with the last who waited for it
   */
  async *ensureLoaded(target: LoadTarget, call: LoadCall): AsyncGenerator<LoadProgress, void, undefined> {
    if (target.provider.load === undefined || !target.model.requiresLoading) return;
    if (await this.isLoaded(target, call)) return;
    for (let count = 1; ; count++) {
      const begun = await this.loads.begin(target, false, call.requestId);
      let load = begun;
      for await (load of this.loads.join(begun, call.signal)) {
        if (load.state === 'loading') yield toProgress(load);
      }
      if (load.state === 'loaded') break;
      if (load.errorCode !== 'interrupted' || count === maxLoads) {
        throw toProviderError(target.provider.kind, load.errorCode ?? 'unknown');
      }
    }
    this.believe(target, { state: 'loaded' });
    yield { state: 'loaded' };
  }

  private async isLoaded(target: LoadTarget, call: LoadCall): Promise<boolean> {
    const until = this.believed.get(keyOf(target));
    if (until !== undefined && this.clock.monotonicMs() < until) return true;
    this.keyUses.note(target.personalKey);
    const [status] = (await askStatuses(target, [target.model.id], call)) ?? [];
    if (status?.state !== 'loaded') return false;
    this.believe(target, status);
    return true;
  }

  private believe(target: LoadTarget, { expiresAt }: ModelStatus): void {
    if (this.believed.size >= maxBelieved) this.believed.clear();
    const leftMs = expiresAt === undefined ? believedMs : expiresAt.getTime() - this.clock.now().getTime();
    this.believed.set(keyOf(target), this.clock.monotonicMs() + Math.min(believedMs, leftMs));
  }
}

function keyOf({ connection, model }: LoadTarget): string {
  return JSON.stringify([connection.id, connection.version, model.id]);
}

function toProgress({ progress }: { readonly progress: number | null }): LoadProgress {
  return { state: 'loading', ...(progress === null ? {} : { progress }) };
}
