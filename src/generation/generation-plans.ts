import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import { assembleContext, historyBytes } from '../messages/context.js';
import type { EarlierMessage } from '../messages/message.js';
import type { ModelRoute, PresetParameters, RouteTarget } from '../models/model-route.js';
import { ModelRoutes } from '../models/model-routes.service.js';
import type { ModelUser } from '../models/model-user.js';
import { toFailure } from '../models/provider-failure.js';
import { refusalOf } from '../models/refused-parameters.js';
import { CurrentUsers } from '../users/current-users.service.js';
import type { ModelCall } from './model-call.js';

/** What somebody asks of a model. */
interface Wish {
  readonly modelId: string;
  readonly content: string;
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly systemPrompt?: string | undefined;
}

/** Who may answer, and what each of them would be asked. */
export class GenerationPlan {
  constructor(
    private readonly route: ModelRoute,
    private readonly wish: Wish,
    private readonly profilePrompt: string | undefined,
  ) {}

  /** Who is asked first, unless it fails or its turn does not come: what a message says until it is answered. */
  get first(): { readonly provider: string; readonly temperature: number | undefined } {
    const [target] = this.route.targets;
    if (target === undefined) throw new Error('A route has a target.');
    return {
      provider: target.connection.name.slice(0, 60),
      temperature: parametersFor(target, this.wish).temperature,
    };
  }

  /** How much of what was said before any of them can use. */
  get historyBytes(): number {
    return Math.max(...this.route.targets.map((target) => historyBytes(contextLengthOf(target))));
  }

  /**
   * Each target is given as much of the conversation as fits into its own context; one that cannot take the new message is not asked.
   * @param history newest first
   * @throws DomainError CONTEXT_LENGTH_EXCEEDED when none can
   */
  ask(history: readonly EarlierMessage[]): Pick<ModelCall, 'route' | 'requestOf'> {
    const requests = new Map<RouteTarget, GenerateRequest>();
    let refusal: unknown;
    for (const target of this.route.targets) {
      try {
        requests.set(target, this.request(target, history));
      } catch (error) {
        refusal ??= error;
      }
    }
    if (requests.size === 0) throw refusal;
    return {
      route: { ...this.route, targets: [...requests.keys()] },
      requestOf: (target) => {
        const request = requests.get(target);
        if (request === undefined) throw new Error('Not a target of this route.');
        return request;
      },
    };
  }

  /** What the request leaves open the alias fills; of system prompts: request, alias, profile (conversations.md, Context). */
  private request(target: RouteTarget, history: readonly EarlierMessage[]): GenerateRequest {
    const { model } = target;
    const { content } = this.wish;
    const systemPrompt = this.wish.systemPrompt ?? target.systemPrompt ?? this.profilePrompt;
    const { maxOutputTokens } = parametersFor(target, this.wish);
    const messages = assembleContext(history, content, {
      contextLength: contextLengthOf(target),
      maxOutputTokens: maxOutputTokens ?? model.maxOutputTokens,
      systemPrompt,
    });
    return { ...parametersFor(target, this.wish), model: model.id, messages, systemPrompt };
  }
}

/** Completes what a request leaves open, and refuses what no model of the route can do, before anything is stored. */
@Injectable()
export class GenerationPlans {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly users: CurrentUsers,
  ) {}

  /**
   * Targets that cannot chat, or not at the temperature or with the parameters that apply, are left out: nothing of a request is dropped
   * in silence.
   * @throws DomainError MODEL_CANNOT_CHAT, TEMPERATURE_OUT_OF_RANGE, UNSUPPORTED_PARAMETER or what else the first of them refuses when
   *   none is left; what `ModelRoutes.resolve` throws
   */
  async plan(user: ModelUser, wish: Wish): Promise<GenerationPlan> {
    const route = await this.routes.resolve(user, wish.modelId).catch((error: unknown) => {
      throw toFailure(error);
    });
    const chatting = route.targets.filter(({ model }) => model.capabilities.includes('chat'));
    const [first] = chatting;
    if (first === undefined) throw new DomainError('MODEL_CANNOT_CHAT');
    const mild = chatting.filter((target) => takesTemperature(target, wish));
    if (mild.length === 0) {
      const { min, max } = first.model.temperature;
      throw new DomainError('TEMPERATURE_OUT_OF_RANGE', { param: 'temperature', details: { min, max } });
    }
    const refusals = mild.map((target) => refusalOf(target, parametersFor(target, wish)));
    const targets = mild.filter((_target, index) => refusals[index] === undefined);
    if (targets.length === 0) throw toFailure(refusals[0], mild[0]);
    // The profile is asked for only when it can matter.
    const needsProfile =
      wish.systemPrompt === undefined && targets.some((target) => target.systemPrompt === undefined);
    const profile = needsProfile ? await this.users.get(user) : undefined;
    return new GenerationPlan({ ...route, targets }, wish, profile?.systemPrompt ?? undefined);
  }
}

/** What the request says, and what the alias says where that leaves it open. */
function parametersFor(
  { parameters }: RouteTarget,
  { temperature, maxOutputTokens }: Wish,
): PresetParameters {
  return {
    ...parameters,
    temperature: temperature ?? parameters.temperature,
    maxOutputTokens: maxOutputTokens ?? parameters.maxOutputTokens,
  };
}

function takesTemperature(target: RouteTarget, wish: Wish): boolean {
  const { temperature } = parametersFor(target, wish);
  const { min, max } = target.model.temperature;
  return temperature === undefined || (temperature >= min && temperature <= max);
}

/** What the model can take, or less where an alias says so; undefined when nobody knows. */
function contextLengthOf({ model, contextTokens }: RouteTarget): number | undefined {
  if (model.contextLength === undefined || contextTokens === undefined)
    return contextTokens ?? model.contextLength;
  return Math.min(model.contextLength, contextTokens);
}
