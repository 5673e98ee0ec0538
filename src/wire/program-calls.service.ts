import { Injectable } from '@nestjs/common';
import type { Caller } from '../auth/caller.js';
import { DomainError } from '../common/domain-error.js';
import { countInput } from '../generation/counted-request.js';
import type { Attempt } from '../generation/model-call.js';
import { MeteredCalls, type MeteredCall, type MeteredEvent } from '../generation/metered-calls.js';
import type { EmbedRequest, EmbedResult } from '../llm-providers/contract/embed.js';
import type { ForwardEvent, ForwardRequest } from '../llm-providers/contract/forward.js';
import type { GenerateEvent, StartEvent } from '../llm-providers/contract/generate-event.js';
import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import { estimateTokens } from '../llm-providers/tokens/estimated-tokens.js';
import type { ModelRoute, RouteTarget } from '../models/model-route.js';
import { ModelRoutes } from '../models/model-routes.service.js';
import { toFailure } from '../models/provider-failure.js';
import type { Door, TokenBudget } from '../usage/usage-record.js';

/** What a program asks of a model, in no vendor's words. */
export type ProgramRequest = Omit<GenerateRequest, 'model'>;

/** Who asks whom, whatever is asked. */
interface AskedModel {
  readonly caller: Caller;
  readonly door: Door;
  /** The name that was asked for. */
  readonly modelId: string;
  /** The same in the words of the door, for vendors that speak them; absent where it cannot be passed on as it is. */
  readonly forward?: Omit<ForwardRequest, 'model'> | undefined;
  readonly requestId: string;
  /** As `MeteredCall.onBudget`. */
  readonly onBudget?: ((budget: TokenBudget) => void) | undefined;
  /** Aborted when the caller is gone, or may not go on. */
  readonly signal: AbortSignal;
}

export interface ProgramCall extends AskedModel {
  /**
   * Made up when a vendor is asked in our words, or we have to count.
   * @throws DomainError for what the door's words cannot mean
   */
  readonly request: () => ProgramRequest;
  readonly maxOutputTokens: number | undefined;
}

export interface ProgramEmbedding extends AskedModel {
  /** @throws DomainError for what the door's words cannot mean */
  readonly request: () => Omit<EmbedRequest, 'model'>;
}

/** Output of one answer: the vendor's own bytes where it speaks what the door speaks, else our events; never both. */
export type ProgramEvent = GenerateEvent | ForwardEvent;

export interface VectorsEvent {
  readonly type: 'vectors';
  /** One for each input, in their order. */
  readonly vectors: EmbedResult['vectors'];
}

/** As `ProgramEvent`; vectors come once and whole. */
export type EmbeddingEvent = ForwardEvent | VectorsEvent;

/** How each target that can do it is asked. */
type Attempts<Event extends MeteredEvent> = ReadonlyMap<RouteTarget, Attempt<Event>>;

interface Plan<Event extends MeteredEvent> extends Pick<
  MeteredCall<Event>,
  'inputTokens' | 'maxOutputTokens' | 'weigh'
> {
  /** @throws DomainError, ProviderError when nobody can do it */
  readonly attempts: (route: ModelRoute) => Attempts<Event>;
}

/** Calls of programs, whichever API they come by: by which target, passed on or translated, and accounted for. */
@Injectable()
export class ProgramCalls {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly calls: MeteredCalls,
  ) {}

  /**
   * One answer. Targets that cannot do what is asked are left out: nothing of a request is dropped in silence. `finish` has the usage, as we
   * count it where the vendor did not tell.
   * @throws DomainError of the vendor's failure (`toFailure`), MODEL_CANNOT_CHAT, UNSUPPORTED_PARAMETER, and what `ModelRoutes.resolve` and
   *   `MeteredCalls.run` throw; the reason of `signal` when that aborts
   */
  async *answer(call: ProgramCall): AsyncGenerator<ProgramEvent, void, undefined> {
    const request = once(call.request);
    yield* this.ask<ProgramEvent>(call, {
      attempts: (route) => answerAttempts(route, call, request),
      inputTokens: () => countPrompt(call, request),
      maxOutputTokens: call.maxOutputTokens,
      weigh,
    });
  }

  /** The vectors of texts. @throws as `answer`, MODEL_CANNOT_EMBED */
  embed(call: ProgramEmbedding): AsyncGenerator<EmbeddingEvent, void, undefined> {
    const request = once(call.request);
    return this.ask<EmbeddingEvent>(call, {
      attempts: (route) => embeddingAttempts(route, call, request),
      inputTokens: () => countTexts(call, request),
      maxOutputTokens: 0,
      weigh: () => 0,
    });
  }

  private async *ask<Event extends MeteredEvent>(
    { caller, modelId, door, requestId, onBudget, signal }: AskedModel,
    { attempts, ...plan }: Plan<Event>,
  ): AsyncGenerator<Event | StartEvent, void, undefined> {
    let target: RouteTarget | undefined;
    let outputTokens = 0;
    const inputTokens = once(plan.inputTokens);
    try {
      const route = await this.routes.resolve(caller, modelId);
      const able = attempts(route);
      const events = this.calls.run<Event>({
        ...plan,
        inputTokens,
        caller,
        door,
        route: { ...route, targets: [...able.keys()] },
        prepare: (next) => {
          target = next;
          const attempt = able.get(next);
          if (attempt === undefined) throw new Error('A target that is not of this call.');
          return attempt;
        },
        onBudget,
        requestId,
        signal,
      });
      for await (const event of events) {
        if (event.type !== 'finish') outputTokens += plan.weigh(event);
        const isUncounted = event.type === 'finish' && !('usage' in event);
        yield isUncounted ? { ...event, usage: { inputTokens: inputTokens(), outputTokens } } : event;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw toFailure(error, target);
    }
  }
}

function once<Value extends object | number>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}

/** How each target is asked for an answer, those left out that refuse what they would be asked. */
function answerAttempts(
  route: ModelRoute,
  { forward }: ProgramCall,
  request: () => ProgramRequest,
): Attempts<ProgramEvent> {
  return attemptsOf<ProgramEvent>(route, 'MODEL_CANNOT_CHAT', (target) => {
    const pass = passing(target, forward);
    // Models that only complete texts are of no use elsewhere.
    if (pass !== undefined && forward?.protocol === 'openai-completions') return pass;
    const { provider, connection, model } = target;
    if (!model.capabilities.includes('chat')) return undefined;
    if (pass !== undefined) return pass;
    const asked = filledIn(target, request());
    provider.check?.(asked, connection);
    return (context) => provider.stream(asked, context);
  });
}

function embeddingAttempts(
  route: ModelRoute,
  { forward }: ProgramEmbedding,
  request: () => Omit<EmbedRequest, 'model'>,
): Attempts<EmbeddingEvent> {
  return attemptsOf<EmbeddingEvent>(route, 'MODEL_CANNOT_EMBED', (target) => {
    const { provider, model } = target;
    const embed = provider.embed?.bind(provider);
    if (!model.capabilities.includes('embeddings')) return undefined;
    const pass = passing(target, forward);
    if (pass !== undefined || embed === undefined) return pass;
    const asked = { ...request(), model: model.id };
    return async function* (context) {
      const { vectors, inputTokens } = await embed(asked, context);
      yield { type: 'start' };
      yield { type: 'vectors', vectors };
      yield {
        type: 'finish',
        ...(inputTokens === undefined ? {} : { usage: { inputTokens, outputTokens: 0 } }),
      };
    };
  });
}

/**
 * @param attemptOf undefined for a target that does nothing of the kind
 * @throws DomainError of the code when there is no other; else what the first one refused
 */
function attemptsOf<Event extends MeteredEvent>(
  { targets }: ModelRoute,
  code: 'MODEL_CANNOT_CHAT' | 'MODEL_CANNOT_EMBED',
  attemptOf: (target: RouteTarget) => Attempt<Event> | undefined,
): Attempts<Event> {
  const attempts = new Map<RouteTarget, Attempt<Event>>();
  let refusal: Error | undefined;
  for (const target of targets) {
    try {
      const attempt = attemptOf(target);
      if (attempt !== undefined) attempts.set(target, attempt);
    } catch (error) {
      if (!(error instanceof ProviderError || error instanceof DomainError)) throw error;
      refusal ??= error;
    }
  }
  if (attempts.size === 0) throw refusal ?? new DomainError(code);
  return attempts;
}

/** Bytes are passed on where nothing is to be filled in. @returns undefined where they cannot be */
export function passing(
  { provider, connection, model, parameters, systemPrompt }: RouteTarget,
  forward: AskedModel['forward'],
): Attempt<ForwardEvent> | undefined {
  const pass = provider.forward?.bind(provider);
  const isBare = Object.keys(parameters).length === 0 && systemPrompt === undefined;
  if (forward === undefined || pass === undefined || !isBare) return undefined;
  if (provider.speaks?.(forward.protocol, connection) !== true) return undefined;
  return (context) => pass({ ...forward, model: model.id }, context);
}

/** What the request leaves open the alias fills (models.md, Alias). */
export function filledIn(
  { model, parameters, systemPrompt }: RouteTarget,
  request: ProgramRequest,
): GenerateRequest {
  const said = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  return { ...parameters, systemPrompt, ...said, messages: request.messages, model: model.id };
}

/** What can be passed on need not make sense to us: then all of it counts. */
function countPrompt({ modelId, forward }: ProgramCall, request: () => ProgramRequest): number {
  try {
    return countInput({ model: modelId, ...request() });
  } catch (error) {
    if (forward === undefined) throw error;
    return estimateTokens(JSON.stringify(forward.body));
  }
}

function countTexts({ forward }: ProgramEmbedding, request: () => Omit<EmbedRequest, 'model'>): number {
  try {
    return request().inputs.reduce((sum, input) => sum + estimateTokens(input), 0);
  } catch (error) {
    if (forward === undefined) throw error;
    return estimateTokens(JSON.stringify(forward.body));
  }
}

/** Tokens, for answers whose provider does not count. */
function weigh(event: ProgramEvent): number {
  switch (event.type) {
    case 'bytes':
      return event.tokens;
    case 'text':
    case 'reasoning':
      return estimateTokens(event.text);
    case 'tool-call-delta':
      return estimateTokens(event.input);
    default:
      return 0;
  }
}
