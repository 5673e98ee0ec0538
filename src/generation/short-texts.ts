import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import type { FinishEvent, GenerateEvent } from '../llm-providers/contract/generate-event.js';
import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import { estimateTokens } from '../llm-providers/tokens/estimated-tokens.js';
import type { ModelRoute, RouteTarget } from '../models/model-route.js';
import { ModelRoutes } from '../models/model-routes.service.js';
import type { ModelUser } from '../models/model-user.js';
import { toFailure } from '../models/provider-failure.js';
import { MeteredCalls, type MeteredCall } from './metered-calls.js';
import { StorableText } from './storable-text.js';

/** Beyond any short text: where a model does not stop, we do. */
const mostCharacters = 50_000;

interface ShortTextWish extends Pick<MeteredCall<GenerateEvent>, 'requestId' | 'signal'> {
  /** How long it may take, in ms. */
  readonly limitMs: number;
  readonly systemPrompt: string;
  /** What the text is about: data, not instructions. */
  readonly data: string;
  /** With whatever the model thinks before it writes. */
  readonly maxOutputTokens: number;
}

export interface ShortText {
  readonly text: string;
  /** As the vendor counted them, without reasoning, or estimated. */
  readonly tokens: number;
  /** Of those that might, the model that wrote it. */
  readonly modelId: string;
}

/** Lets models write what is not part of a conversation: summaries and titles. Holds no database connection. */
@Injectable()
export class ShortTexts {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly calls: MeteredCalls,
  ) {}

  /**
   * Where the first of the names leads that the user may use, to models that chat.
   * @throws DomainError of the last name: as `ModelRoutes.resolve`, MODEL_CANNOT_CHAT, what a provider did
   */
  async routeOf(user: ModelUser, [modelId, ...others]: readonly [string, ...string[]]): Promise<ModelRoute> {
    try {
      const route = await this.routes.resolve(user, modelId);
      const targets = route.targets.filter(({ model }) => model.capabilities.includes('chat'));
      if (targets.length === 0) throw new DomainError('MODEL_CANNOT_CHAT');
      return { ...route, targets };
    } catch (error) {
      const [next, ...rest] = others;
      if (next === undefined || !(error instanceof DomainError)) throw toFailure(error);
      return this.routeOf(user, [next, ...rest]);
    }
  }

  /**
   * @throws DomainError PROVIDER_INVALID_RESPONSE for a text that is empty or was cut off, PROVIDER_TIMEOUT, as providers fail; when the
   *   signal aborts its reason if that is one, else GENERATION_INTERRUPTED
   */
  async write(
    user: ModelUser,
    route: ModelRoute,
    { requestId, signal, limitMs, ...wish }: ShortTextWish,
  ): Promise<ShortText> {
    let target: RouteTarget | undefined;
    const limit = AbortSignal.timeout(limitMs);
    try {
      const events = this.calls.run<GenerateEvent>({
        caller: user,
        door: 'job',
        route,
        requestId,
        signal: AbortSignal.any([signal, limit]),
        prepare: (asked) => {
          target = asked;
          return (context) => asked.provider.stream(requestTo(asked, wish), context);
        },
        inputTokens: () => estimateTokens(wish.systemPrompt) + estimateTokens(wish.data),
        maxOutputTokens: wish.maxOutputTokens,
        weigh: (event) => (event.type === 'text' ? estimateTokens(event.text) : 0),
      });
      const text = new StorableText();
      let written = '';
      let finish: FinishEvent | undefined;
      for await (const event of events) {
        if (event.type === 'text') written += text.push(event.text);
        if (event.type === 'finish') finish = event;
        if (written.length > mostCharacters) throw new DomainError('PROVIDER_INVALID_RESPONSE');
      }
      return whole(written + text.end(), finish, target);
    } catch (error) {
      if (signal.aborted) throw interrupted(signal.reason);
      throw limit.aborted ? new DomainError('PROVIDER_TIMEOUT', { cause: error }) : toFailure(error, target);
    }
  }
}

function requestTo(
  { model }: RouteTarget,
  { systemPrompt, data, maxOutputTokens }: Pick<ShortTextWish, 'systemPrompt' | 'data' | 'maxOutputTokens'>,
): GenerateRequest {
  return {
    model: model.id,
    systemPrompt,
    messages: [{ role: 'user', parts: [{ type: 'text', text: data }] }],
    maxOutputTokens: Math.min(maxOutputTokens, model.maxOutputTokens ?? maxOutputTokens),
  };
}

function interrupted(reason: unknown): DomainError {
  return reason instanceof DomainError
    ? reason
    : new DomainError('GENERATION_INTERRUPTED', { cause: reason });
}

/** @throws DomainError PROVIDER_INVALID_RESPONSE */
function whole(written: string, finish: FinishEvent | undefined, target: RouteTarget | undefined): ShortText {
  const text = written.trim();
  const isWhole = finish?.reason === 'stop' || finish?.reason === 'other';
  if (!isWhole || text === '' || target === undefined) throw new DomainError('PROVIDER_INVALID_RESPONSE');
  const { outputTokens, reasoningTokens = 0 } = finish.usage ?? {};
  return {
    text,
    tokens: outputTokens === undefined ? estimateTokens(text) : outputTokens - reasoningTokens,
    modelId: target.model.id,
  };
}
