import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import type { EarlierConversation } from '../messages/context.js';
import {
  ContextService,
  estimatedTokens,
  historyBytes,
  type ContextRoom,
} from '../messages/context.service.js';
import type { ModelRoute, PresetParameters, RouteTarget } from '../models/model-route.js';
import { ModelRoutes } from '../models/model-routes.service.js';
import type { ModelUser } from '../models/model-user.js';
import { toFailure } from '../models/provider-failure.js';
import { refusalOf } from '../models/refused-parameters.js';
import { CurrentUsers } from '../users/current-users.service.js';
import type { PlannedCall } from './model-call.js';

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
  private hasGap = false;

  /** @param rooms of the targets of the route */
  constructor(
    private readonly route: ModelRoute,
    private readonly wish: Wish,
    private readonly rooms: ReadonlyMap<RouteTarget, ContextRoom>,
    private readonly contexts: ContextService,
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
    return Math.max(...[...this.rooms.values()].map(historyBytes));
  }

  /**
   * Each target is given as much of the conversation as fits into its own context, by its own tokenizer, and that once its turn comes:
   * to count takes time, in which neither a database connection is held nor who sent the message kept waiting.
   */
  ask(earlier: EarlierConversation): PlannedCall {
    const requests = new Map<RouteTarget, Promise<GenerateRequest>>();
    return {
      hasGap: () => this.hasGap,
      route: this.route,
      requestOf: (target) => {
        const request = requests.get(target) ?? this.request(target, earlier);
        requests.set(target, request);
        // Whoever tries again is not told of the failure before.
        request.catch(() => requests.delete(target));
        return request;
      },
      temperatureOf: (target) => parametersFor(target, this.wish).temperature,
      tokensOf: (target) => ({
        inputTokens: estimatedTokens(this.roomOf(target), earlier),
        maxOutputTokens: parametersFor(target, this.wish).maxOutputTokens,
      }),
    };
  }

  /** What the request leaves open the alias fills. */
  private async request(target: RouteTarget, earlier: EarlierConversation): Promise<GenerateRequest> {
    const room = this.roomOf(target);
    const { systemPrompt } = room.newest;
    const { messages, hasGap } = await this.contexts.assemble(room, earlier);
    this.hasGap ||= hasGap;
    return { ...parametersFor(target, this.wish), model: target.model.id, messages, systemPrompt };
  }

  private roomOf(target: RouteTarget): ContextRoom {
    const room = this.rooms.get(target);
    if (room === undefined) throw new Error('Not a target of this route.');
    return room;
  }
}

/** Completes what a request leaves open, and refuses what no model of the route can do, before anything is stored. */
@Injectable()
export class GenerationPlans {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly users: CurrentUsers,
    private readonly contexts: ContextService,
  ) {}

  /**
   * Targets that cannot chat, or not at the temperature or with the parameters that apply, or into whose context the message does not
   * fit, are left out: nothing of a request is dropped in silence.
   * @throws DomainError MODEL_CANNOT_CHAT, TEMPERATURE_OUT_OF_RANGE, UNSUPPORTED_PARAMETER or what else the first of them refuses,
   *   CONTEXT_LENGTH_EXCEEDED when none is left; what `ModelRoutes.resolve` throws
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
    const rooms = await this.rooms(user, wish, targets);
    const fitting = targets.filter((target) => rooms.has(target));
    return new GenerationPlan({ ...route, targets: fitting }, wish, rooms, this.contexts);
  }

  /**
   * Of the targets that can take the new message. The system prompt is that of the request, else the alias, the profile, the model.
   * @throws DomainError CONTEXT_LENGTH_EXCEEDED when there is none
   */
  private async rooms(
    user: ModelUser,
    wish: Wish,
    targets: readonly RouteTarget[],
  ): Promise<ReadonlyMap<RouteTarget, ContextRoom>> {
    // The profile is asked for only when it can matter.
    const needsProfile =
      wish.systemPrompt === undefined && targets.some((target) => target.systemPrompt === undefined);
    const profile = needsProfile ? await this.users.get(user) : undefined;
    const rooms = new Map<RouteTarget, ContextRoom>();
    for (const target of targets) {
      const systemPrompt =
        wish.systemPrompt ?? target.systemPrompt ?? profile?.systemPrompt ?? target.model.systemPrompt;
      const maxOutputTokens = parametersFor(target, wish).maxOutputTokens ?? target.model.maxOutputTokens;
      const limits = { contextLength: contextLengthOf(target), maxOutputTokens };
      const newest = { content: wish.content, systemPrompt };
      const room = await this.contexts.roomFor(target.model, newest, limits);
      if (room !== undefined) rooms.set(target, room);
    }
    if (rooms.size === 0) throw new DomainError('CONTEXT_LENGTH_EXCEEDED', { param: 'content' });
    return rooms;
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
export function contextLengthOf({ model, contextTokens }: RouteTarget): number | undefined {
  if (model.contextLength === undefined || contextTokens === undefined)
    return contextTokens ?? model.contextLength;
  return Math.min(model.contextLength, contextTokens);
}
