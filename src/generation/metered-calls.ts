import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { Ids } from '../common/ids.js';
import { ownerOf } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import type { StartEvent, TokenUsage } from '../llm-providers/contract/generate-event.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { RouteTarget } from '../models/model-route.js';
import type { ModelUser } from '../models/model-user.js';
import { toFailure } from '../models/provider-failure.js';
import { Metering } from '../usage/metering.service.js';
import type { CallOrigin, CallResult, Door, TokenBudget } from '../usage/usage-record.js';
import { callResult, estimateFor } from './call-result.js';
import type { Call, CallEvent } from './model-call.js';
import { ModelCalls } from './model-calls.js';

/** What a call yields whose use is accounted for: its `finish` says how much that was. */
export interface MeteredEvent extends CallEvent {
  readonly usage?: TokenUsage;
}

/** Who calls what, and what it may come to. */
interface Metered extends Pick<Call<never>, 'route'> {
  readonly caller: ModelUser;
  readonly door: Door;
  /** Tokens of the prompt, as we count them. */
  readonly inputTokens: () => number;
  /** What the request allows; undefined for what the model can. */
  readonly maxOutputTokens: number | undefined;
  /** Told before anybody is asked, where there is a budget of tokens. */
  readonly onBudget?: ((budget: TokenBudget) => void) | undefined;
}

export interface MeteredCall<Event extends MeteredEvent>
  extends Metered, Omit<Call<Event>, 'onTarget' | 'onStatus'> {
  /** Tokens of an event, for an answer whose provider does not count. */
  readonly weigh: (event: Event | StartEvent) => number;
}

/** Calls of programs, which are in no thread: each makes one usage record, however it ends (wire-apis.md, Accounting). */
@Injectable()
export class MeteredCalls {
  private readonly maxDurationMs: number;

  constructor(
    private readonly models: ModelCalls,
    private readonly metering: Metering,
    private readonly clock: Clock,
    private readonly ids: Ids,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.maxDurationMs = config['generation.maxDurationMs'];
  }

  /**
   * As `ModelCalls.run`. Ending the iteration early counts as going away.
   * @throws DomainError BUDGET_EXHAUSTED, USAGE_NOT_RECORDED before anybody is asked
   */
  async *run<Event extends MeteredEvent>(
    call: MeteredCall<Event>,
  ): AsyncGenerator<Event | StartEvent, void, undefined> {
    const origin = this.originOf(call);
    const isOpen = await this.begin(origin, call);
    const meter = new Meter(call, this.clock);
    const tooLong = new AbortController();
    const deadline = setTimeout(() => tooLong.abort(new DomainError('ANSWER_TOO_LONG')), this.maxDurationMs);
    try {
      const events = this.models.run({
        ...call,
        signal: AbortSignal.any([call.signal, tooLong.signal]),
        onStatus: ignore,
        onTarget: (target) => {
          meter.target = target;
        },
      });
      for await (const event of events) {
        meter.count(event);
        yield event;
      }
      meter.ended('complete', null);
    } catch (error) {
      meter.failed(error);
      throw error;
    } finally {
      clearTimeout(deadline);
      this.metering.note(origin, meter.result(), { isOpen });
    }
  }

  /** @returns whether something was set aside */
  private async begin(
    origin: CallOrigin,
    { caller, route, inputTokens, maxOutputTokens, onBudget }: Metered,
  ): Promise<boolean> {
    const budget = caller.credential.kind === 'token' ? caller.credential.budget : undefined;
    if (budget === undefined) {
      this.metering.admit();
      return false;
    }
    const counted = inputTokens();
    const estimate = estimateFor(
      route.targets.map((target) => ({ target, inputTokens: counted, maxOutputTokens })),
    );
    const state = await this.metering.open(origin, budget, estimate);
    if (state !== undefined) onBudget?.(state);
    return true;
  }

  private originOf({ caller, door, route }: Metered): CallOrigin {
    return {
      id: this.ids.next(),
      ...ownerOf(caller),
      tokenId: caller.credential.kind === 'token' ? caller.credential.tokenId : null,
      door,
      modelId: route.id,
      createdAt: this.clock.now(),
    };
  }
}

/** What one call comes to. */
class Meter<Event extends MeteredEvent> {
  target: RouteTarget | undefined;
  private readonly startedAt: number;
  private firstAt: number | undefined;
  private outputTokens = 0;
  private reported: TokenUsage | undefined;
  /** Whoever ends the iteration has gone away. */
  private end: Pick<CallResult, 'status' | 'errorCode'> = { status: 'cancelled', errorCode: null };

  constructor(
    private readonly call: MeteredCall<Event>,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.monotonicMs();
  }

  count(event: Event | StartEvent): void {
    if (event.type === 'start') return;
    this.firstAt ??= this.clock.monotonicMs();
    if (event.type === 'finish') this.reported = 'usage' in event ? event.usage : undefined;
    else this.outputTokens += this.call.weigh(event);
  }

  ended(status: CallResult['status'], errorCode: string | null): void {
    this.end = { status, errorCode };
  }

  failed(error: unknown): void {
    if (this.call.signal.aborted) return;
    const isCut = error instanceof ProviderError && error.truncated;
    this.ended(
      isCut ? 'interrupted' : 'error',
      isCut ? 'GENERATION_INTERRUPTED' : codeOf(error, this.target),
    );
  }

  result(): CallResult {
    const sinceStart = (time: number): number => Math.round(time - this.startedAt);
    return callResult({
      ...this.end,
      target: this.target,
      reported: this.reported,
      counted: () => ({ inputTokens: this.call.inputTokens(), outputTokens: this.outputTokens }),
      firstTokenMs: this.firstAt === undefined ? null : sinceStart(this.firstAt),
      durationMs: sinceStart(this.clock.monotonicMs()),
    });
  }
}

function codeOf(error: unknown, target: RouteTarget | undefined): string {
  try {
    return toFailure(error, target).code;
  } catch {
    return 'INTERNAL_ERROR';
  }
}

function ignore(): void {
  // Programs are told nothing before the first token.
}
