import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { storable } from '../common/storable.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import type {
  FinishEvent,
  GenerateEvent,
  ToolCallDeltaEvent,
  ToolCallEndEvent,
  ToolCallStartEvent,
} from '../llm-providers/contract/generate-event.js';
import { toUnforeseen } from '../infrastructure/unforeseen.js';
import { Log } from '../infrastructure/logging/log.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import type { FinishedAnswer } from '../messages/message.js';
import type { RouteTarget } from '../models/model-route.js';
import { toFailure } from '../models/provider-failure.js';
import type { CallResult } from '../usage/usage-record.js';
import { AnswerParts } from './answer-parts.js';
import { callResult } from './call-result.js';
import { countOutput } from './counted-request.js';
import type { JournalEvent } from './generation-event.js';
import type { ModelCall, PlannedCall } from './model-call.js';
import { ModelCalls } from './model-calls.js';
import { StorableText } from './storable-text.js';

/** Why a generation was ended by us. */
export type StopReason = 'cancelled' | 'interrupted' | 'too_long';

class Stopped extends Error {
  constructor(readonly reason: StopReason) {
    super(`Generation stopped: ${reason}`);
  }
}

/** An answer as it ended, and the error to tell when it is not complete. */
export interface Outcome {
  readonly answer: FinishedAnswer;
  readonly failure: DomainError | undefined;
  /** For its usage record. */
  readonly result: CallResult;
}

/** What is asked of whom, and who is told what happens. */
interface GenerationCall extends PlannedCall, Pick<ModelCall, 'requestId'> {
  readonly onEvent: (event: JournalEvent) => void;
}

/** How long, in milliseconds, and how large an answer may be. */
interface GenerationLimits {
  readonly maxDurationMs: number;
  readonly maxAnswerCharacters: number;
}

/**
 * Lets a model answer once: limits, text that can be stored, and the words for every way it can end. Knows neither database nor
 * HTTP; what happens is told to `call.onEvent` as it happens.
 */
export class GenerationRun {
  private readonly stopping = new AbortController();
  private readonly parts = new AnswerParts();
  private readonly text = new StorableText();
  private readonly reasoning = new StorableText();
  private readonly toolCalls = new Map<string, { name: string; input: string }>();
  private toolInputLength = 0;
  private readonly startedAt: number;
  private firstTokenAt: number | undefined;
  /** Who is being asked. */
  private target: RouteTarget | undefined;
  private providerModel: string | undefined;
  private finish: FinishEvent | undefined;

  constructor(
    private readonly call: GenerationCall,
    private readonly models: ModelCalls,
    private readonly limits: GenerationLimits,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.startedAt = clock.monotonicMs();
  }

  /** Closes the connection to the provider; the run then ends with what has arrived. Without effect once it has ended. */
  stop(reason: StopReason): void {
    this.stopping.abort(new Stopped(reason));
  }

  /** Never rejects: a failure is an outcome. */
  async run(): Promise<Outcome> {
    const deadline = setTimeout(() => this.stop('too_long'), this.limits.maxDurationMs);
    try {
      await this.answer();
      this.emitRest();
      return this.outcome('complete', undefined);
    } catch (error) {
      this.emitRest();
      return this.failed(error);
    } finally {
      clearTimeout(deadline);
    }
  }

  private async answer(): Promise<void> {
    const { route, requestOf, requestId } = this.call;
    const events = this.models.stream({
      route,
      requestOf,
      requestId,
      signal: this.stopping.signal,
      onStatus: (status) => this.call.onEvent({ type: 'status', ...status }),
      onTarget: (target) => {
        this.target = target;
      },
    });
    for await (const event of events) {
      this.take(event);
      if (this.parts.length + this.toolInputLength > this.limits.maxAnswerCharacters) {
        throw new Stopped('too_long');
      }
    }
  }

  private take(event: GenerateEvent): void {
    switch (event.type) {
      case 'start':
        this.providerModel = event.model ?? this.target?.model.id;
        break;
      case 'text':
        this.emitText('token', this.text.push(event.text));
        break;
      case 'reasoning':
        this.emitText('reasoning', this.reasoning.push(event.text), event.signature);
        break;
      case 'finish':
        this.finish = event;
        break;
      default:
        this.takeToolCall(event);
    }
  }

  private takeToolCall(event: ToolCallStartEvent | ToolCallDeltaEvent | ToolCallEndEvent): void {
    this.begin();
    if (event.type === 'tool-call-start') {
      this.toolCalls.set(event.id, { name: event.name, input: '' });
      return;
    }
    const call = this.toolCalls.get(event.id);
    if (call === undefined) return;
    if (event.type === 'tool-call-delta') {
      call.input += event.input;
      this.toolInputLength += event.input.length;
      return;
    }
    this.toolInputLength -= call.input.length;
    const { name, input } = call;
    this.emit({ type: 'tool_call', id: storable(event.id), name: storable(name), input: storable(input) });
  }

  private emitText(type: 'token' | 'reasoning', token: string, signature?: string): void {
    this.begin();
    if (token === '' && signature === undefined) return;
    if (type === 'token') this.emit({ type, token });
    else this.emit({ type, token, ...(signature === undefined ? {} : { signature: storable(signature) }) });
  }

  /** From here on there is output: nothing is tried again. */
  private begin(): void {
    this.firstTokenAt ??= this.clock.monotonicMs();
  }

  private emit(event: JournalEvent): void {
    this.parts.add(event);
    this.call.onEvent(event);
  }

  /** Half a character that was still waited for. */
  private emitRest(): void {
    for (const [type, rest] of [
      ['reasoning', this.reasoning.end()],
      ['token', this.text.end()],
    ] as const) {
      if (rest !== '') this.emit({ type, token: rest });
    }
  }

  private failed(error: unknown): Outcome {
    const stopped: unknown = this.stopping.signal.aborted ? this.stopping.signal.reason : error;
    if (stopped instanceof Stopped) {
      switch (stopped.reason) {
        case 'cancelled':
          return this.outcome('cancelled', new DomainError('GENERATION_CANCELLED'));
        case 'interrupted':
          return this.outcome('interrupted', new DomainError('GENERATION_INTERRUPTED'));
        case 'too_long':
          return this.outcome('interrupted', new DomainError('ANSWER_TOO_LONG'));
      }
    }
    if (error instanceof ProviderError && error.truncated && this.firstTokenAt !== undefined) {
      return this.outcome('interrupted', new DomainError('GENERATION_INTERRUPTED', { cause: error }));
    }
    return this.outcome('error', this.wordFor(error));
  }

  private wordFor(error: unknown): DomainError {
    if (error instanceof ProviderError || error instanceof DomainError) return toFailure(error, this.target);
    const failure = toUnforeseen(error);
    this.log.error({ err: error, code: failure.code }, 'a generation failed');
    return failure;
  }

  private outcome(status: FinishedAnswer['status'], failure: DomainError | undefined): Outcome {
    const { usage, reason, rawReason } = this.finish ?? {};
    const result = this.result(status, failure);
    const answer: FinishedAnswer = {
      status,
      parts: this.parts.parts,
      provider: clip(this.target?.connection.name, 60),
      temperature: this.target === undefined ? undefined : this.call.temperatureOf(this.target),
      providerModel: clip(this.providerModel, 200),
      finishReason: status === 'complete' ? reason : undefined,
      providerFinishReason: clip(rawReason, 100),
      inputTokens: count(usage?.inputTokens),
      outputTokens: count(usage?.outputTokens),
      cachedTokens: count(usage?.cachedInputTokens),
      cost: result.estimated ? undefined : (result.cost ?? undefined),
      timeToFirstTokenMs: result.firstTokenMs ?? undefined,
      durationMs: result.durationMs,
      errorCode: failure?.code,
    };
    return { answer, failure, result };
  }

  private result(status: CallResult['status'], failure: DomainError | undefined): CallResult {
    const sinceStart = (time: number): number => Math.round(time - this.startedAt);
    return callResult({
      status,
      errorCode: failure?.code ?? null,
      target: this.target,
      reported: this.finish?.usage,
      counted: () => ({ inputTokens: this.countedInput(), outputTokens: countOutput(this.parts.parts) }),
      firstTokenMs: this.firstTokenAt === undefined ? null : sinceStart(this.firstTokenAt),
      durationMs: sinceStart(this.clock.monotonicMs()),
    });
  }

  private countedInput(): number {
    return this.target === undefined ? 0 : this.call.tokensOf(this.target).inputTokens;
  }
}

/** What a vendor calls something, as long as we can keep it. */
function clip(name: string | undefined, maximum: number): string | undefined {
  return name === undefined ? undefined : storable(name.slice(0, maximum));
}

/** A number of tokens that Postgres calls an integer; anything else was not a count. */
function count(tokens: number | undefined): number | undefined {
  return Number.isInteger(tokens) && Number(tokens) >= 0 && Number(tokens) < 2 ** 31 ? tokens : undefined;
}

/** Prepares runs within the limits of the configuration. */
@Injectable()
export class GenerationRuns {
  private readonly limits: GenerationLimits;

  constructor(
    private readonly models: ModelCalls,
    private readonly clock: Clock,
    private readonly log: Log,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.limits = {
      maxDurationMs: config['generation.maxDurationMs'],
      maxAnswerCharacters: config['generation.maxAnswerCharacters'],
    };
  }

  prepare(call: GenerationCall): GenerationRun {
    return new GenerationRun(call, this.models, this.limits, this.clock, this.log);
  }
}
