import { Injectable } from '@nestjs/common';
import type { Caller } from '../auth/caller.js';
import { DomainError } from '../common/domain-error.js';
import { countInput } from '../generation/counted-request.js';
import type { Attempt } from '../generation/model-call.js';
import { MeteredCalls } from '../generation/metered-calls.js';
import type { ForwardEvent, ForwardRequest } from '../llm-providers/contract/forward.js';
import type { GenerateEvent } from '../llm-providers/contract/generate-event.js';
import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import type { ModelCapability } from '../llm-providers/contract/model-info.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import { estimateTokens } from '../llm-providers/tokens/estimated-tokens.js';
import type { ModelRoute, RouteTarget } from '../models/model-route.js';
import { ModelRoutes } from '../models/model-routes.service.js';
import { toFailure } from '../models/provider-failure.js';
import type { Door, TokenBudget } from '../usage/usage-record.js';

/** What a program asks of a model, in no vendor's words. */
export type ProgramRequest = Omit<GenerateRequest, 'model'>;

export interface ProgramCall {
  readonly caller: Caller;
  readonly door: Door;
  /** The name that was asked for. */
  readonly modelId: string;
  /**
   * Made up when a vendor is asked in our words, or we have to count.
   * @throws DomainError for what the door's words cannot mean
   */
  readonly request: () => ProgramRequest;
  readonly maxOutputTokens: number | undefined;
  /** The same in the words of the door, for vendors that speak them; absent where it cannot be passed on as it is. */
  readonly forward?: Omit<ForwardRequest, 'model'> | undefined;
  readonly requestId: string;
  /** As `MeteredCall.onBudget`. */
  readonly onBudget?: ((budget: TokenBudget) => void) | undefined;
  /** Aborted when the caller is gone, or may not go on. */
  readonly signal: AbortSignal;
}

/** Output of one answer: the vendor's own bytes where it speaks what the door speaks, else our events; never both. */
export type ProgramEvent = GenerateEvent | ForwardEvent;

/** Calls of programs, whichever API they come by: by which target, passed on or translated, and accounted for. */
@Injectable()
export class ProgramCalls {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly calls: MeteredCalls,
  ) {}

  /**
   * One answer. Targets that cannot do what is asked are left out: nothing of a request is dropped in silence.
   * @throws DomainError of the vendor's failure (`toFailure`), MODEL_CANNOT_CHAT, UNSUPPORTED_PARAMETER, and what `ModelRoutes.resolve` and
   *   `MeteredCalls.run` throw; the reason of `signal` when that aborts
   */
  async *answer(call: ProgramCall): AsyncGenerator<ProgramEvent, void, undefined> {
    const { caller, modelId, door, requestId, signal } = call;
    let target: RouteTarget | undefined;
    try {
      const route = able(await this.routes.resolve(caller, modelId), 'chat');
      const requests = requestsFor(route, call);
      yield* this.calls.run<ProgramEvent>({
        caller,
        door,
        route: { ...route, targets: [...requests.keys()] },
        prepare: (next) => {
          target = next;
          return attemptOf(next, requests.get(next), call.forward);
        },
        inputTokens: () => countInput({ model: modelId, ...call.request() }),
        maxOutputTokens: call.maxOutputTokens,
        weigh,
        onBudget: call.onBudget,
        requestId,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw toFailure(error, target);
    }
  }
}

/** @throws DomainError MODEL_CANNOT_CHAT when no target can do it */
function able(route: ModelRoute, capability: ModelCapability): ModelRoute {
  const targets = route.targets.filter(({ model }) => model.capabilities.includes(capability));
  if (targets.length === 0) throw new DomainError('MODEL_CANNOT_CHAT');
  return { ...route, targets };
}

/** What each target is asked in our words, those left out that refuse it; undefined for whom the caller's own words are passed on to. */
function requestsFor(route: ModelRoute, call: ProgramCall): Map<RouteTarget, GenerateRequest | undefined> {
  const requests = new Map<RouteTarget, GenerateRequest | undefined>();
  let refusal: unknown;
  for (const target of route.targets) {
    if (speaks(target, call.forward)) {
      requests.set(target, undefined);
      continue;
    }
    const request = filledIn(target, call.request());
    try {
      target.provider.check?.(request, target.connection);
      requests.set(target, request);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      refusal ??= error;
    }
  }
  if (requests.size === 0) throw refusal;
  return requests;
}

/** Bytes are passed on where nothing is to be filled in. */
function speaks(target: RouteTarget, forward: ProgramCall['forward']): boolean {
  const { provider, connection, parameters, systemPrompt } = target;
  const isBare = Object.keys(parameters).length === 0 && systemPrompt === undefined;
  return forward !== undefined && isBare && provider.speaks?.(forward.protocol, connection) === true;
}

/** What the request leaves open the alias fills (models.md, Alias). */
function filledIn(
  { model, parameters, systemPrompt }: RouteTarget,
  request: ProgramRequest,
): GenerateRequest {
  const said = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  return { ...parameters, systemPrompt, ...said, messages: request.messages, model: model.id };
}

function attemptOf(
  { provider, model }: RouteTarget,
  request: GenerateRequest | undefined,
  forward: ProgramCall['forward'],
): Attempt<ProgramEvent> {
  if (request !== undefined) return (context) => provider.stream(request, context);
  const pass = provider.forward?.bind(provider);
  if (forward === undefined || pass === undefined) throw new Error('Nothing to pass on.');
  return (context) => pass({ ...forward, model: model.id }, context);
}

/** Tokens, for answers whose provider does not count: most vendors send about one with each event. */
function weigh(event: ProgramEvent): number {
  switch (event.type) {
    case 'bytes':
      return event.events;
    case 'text':
    case 'reasoning':
      return estimateTokens(event.text);
    case 'tool-call-delta':
      return estimateTokens(event.input);
    default:
      return 0;
  }
}
