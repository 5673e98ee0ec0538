import type { GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import type { ModelRoute, RouteTarget } from '../../models/model-route.js';
import type { CallStatus } from '../model-call.js';
import { failure, type Calls, type Step } from './scripted-models.js';

export const down: readonly Step[] = [failure('overloaded', { status: 503 })];
export const limited = (retryAfterMs?: number): readonly Step[] => [
  failure('rate_limit', { status: 429, retryAfterMs }),
];

export interface Told {
  readonly events: GenerateEvent[];
  readonly statuses: CallStatus[];
  /** The model of the target that was asked last. */
  target: string | undefined;
  error: unknown;
}

/** A call, with everything that was told of it. */
export async function tell({ calls }: Calls, route: ModelRoute, abort = new AbortController()): Promise<Told> {
  const told: Told = { events: [], statuses: [], target: undefined, error: undefined };
  const stream = calls.stream({
    route,
    requestOf: ({ model }: RouteTarget) => ({ model: model.id, messages: [] }),
    requestId: 'req_test',
    signal: abort.signal,
    onStatus: (status) => told.statuses.push(status),
    onTarget: ({ model }) => {
      told.target = model.id;
    },
  });
  try {
    for await (const event of stream) told.events.push(event);
  } catch (error) {
    told.error = error;
  }
  return told;
}

export function said({ statuses }: Told): string[] {
  return statuses.map(({ status, modelId }) => `${status} ${modelId}`);
}
