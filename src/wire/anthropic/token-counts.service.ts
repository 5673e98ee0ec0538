import { Injectable } from '@nestjs/common';
import type { Caller } from '../../auth/caller.js';
import { DomainError } from '../../common/domain-error.js';
import { countInput } from '../../generation/counted-request.js';
import type { Attempt } from '../../generation/model-call.js';
import { ModelCalls } from '../../generation/model-calls.js';
import type { ForwardEvent, ForwardRequest } from '../../llm-providers/contract/forward.js';
import { JsonObject } from '../../llm-providers/json-shape.js';
import type { RouteTarget } from '../../models/model-route.js';
import { ModelRoutes } from '../../models/model-routes.service.js';
import { toFailure } from '../../models/provider-failure.js';
import { filledIn, passing, type ProgramRequest } from '../program-calls.service.js';

interface CountedPrompt {
  readonly caller: Caller;
  /** The name that was asked for. */
  readonly modelId: string;
  /** @throws DomainError for what the door's words cannot mean */
  readonly request: () => ProgramRequest;
  readonly forward: Omit<ForwardRequest, 'model'>;
  readonly requestId: string;
  /** Aborted when the caller is gone, or may not go on. */
  readonly signal: AbortSignal;
}

interface CountEvent {
  readonly type: 'count';
  readonly inputTokens: number;
}

/** How many tokens a prompt has. That is no call of a model: nothing is generated, charged or recorded (docs/compatible-apis.md). */
@Injectable()
export class TokenCounts {
  constructor(
    private readonly routes: ModelRoutes,
    private readonly calls: ModelCalls,
  ) {}

  /**
   * As the vendor of the model counts that would be asked first, where it does; else as we do.
   * @throws DomainError of the vendor's failure (`toFailure`), MODEL_CANNOT_CHAT, UNSUPPORTED_PARAMETER, and what `ModelRoutes.resolve`
   *   throws; the reason of `signal` when that aborts
   */
  async inputTokens(prompt: CountedPrompt): Promise<number> {
    const { caller, modelId, requestId, signal } = prompt;
    let target: RouteTarget | undefined;
    try {
      const route = await this.routes.resolve(caller, modelId);
      target = route.targets.find(({ model }) => model.capabilities.includes('chat'));
      if (target === undefined) throw new DomainError('MODEL_CANNOT_CHAT');
      const attempt = vendorsCount(target, prompt);
      if (attempt === undefined) return ourCount(target, prompt);
      const events = this.calls.run<ForwardEvent | CountEvent>({
        route: { ...route, targets: [target] },
        prepare: () => attempt,
        requestId,
        signal,
        onStatus: ignore,
        onTarget: ignore,
      });
      let inputTokens = 0;
      for await (const event of events) {
        if (event.type === 'count') inputTokens = event.inputTokens;
        else if (event.type === 'bytes') inputTokens = countIn(event.bytes);
      }
      return inputTokens;
    } catch (error) {
      signal.throwIfAborted();
      throw toFailure(error, target);
    }
  }
}

/** Undefined where the vendor does not count. */
function vendorsCount(
  target: RouteTarget,
  { forward, request }: CountedPrompt,
): Attempt<ForwardEvent | CountEvent> | undefined {
  const pass = passing(target, forward);
  const count = target.provider.countTokens?.bind(target.provider);
  if (pass !== undefined || count === undefined) return pass;
  const asked = filledIn(target, request());
  target.provider.check?.(asked, target.connection);
  return async function* (context) {
    const inputTokens = await count(asked, context);
    yield { type: 'start' };
    yield { type: 'count', inputTokens };
    yield { type: 'finish' };
  };
}

function ourCount(target: RouteTarget, { request }: CountedPrompt): number {
  const asked = filledIn(target, request());
  target.provider.check?.(asked, target.connection);
  return countInput(asked);
}

/** The adapter has looked at it: https://platform.claude.com/docs/en/api/messages/count_tokens */
function countIn(bytes: Uint8Array): number {
  return JsonObject.from(JSON.parse(Buffer.from(bytes).toString('utf8')), 'count').requiredCount(
    'input_tokens',
  );
}

function ignore(): void {
  // Programs are told nothing before the answer.
}
