import type { GenerateEvent } from '../llm-providers/contract/generate-event.js';
import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import type { CallContext } from '../llm-providers/contract/model-provider.js';
import type { ModelRoute, RouteTarget } from '../models/model-route.js';

/** What goes on before the first token, for the person who waits. */
export interface CallStatus {
  readonly status: 'loading' | 'retrying' | 'falling_back';
  /** Of loading: 0 to 1; absent when the server does not say. */
  readonly progress?: number;
  /** The model that is loaded, tried again or fallen back to. */
  readonly modelId: string;
}

/** What a call of any kind yields: `start` at most once and first, `finish` once and last, output in between. */
export interface CallEvent {
  readonly type: string;
}

/** One call of a target, to be made when it is its turn: with what is asked made up, and nothing sent yet. */
export type Attempt<Event extends CallEvent> = (context: CallContext) => AsyncIterable<Event>;

/** What is asked of whom, and who is told what happens. */
export interface Call<Event extends CallEvent> {
  readonly route: ModelRoute;
  /** What is asked of a target may have to be made up first. */
  readonly prepare: (target: RouteTarget) => Attempt<Event> | Promise<Attempt<Event>>;
  readonly requestId: string;
  /** Closes the connection to the vendor; what was asked for then fails with the signal's reason. */
  readonly signal: AbortSignal;
  readonly onStatus: (status: CallStatus) => void;
  /** Told before a target is asked: the last one told is who answered, or failed last. */
  readonly onTarget: (target: RouteTarget) => void;
}

/** A call that asks for an answer in the words of the provider contract. */
export interface ModelCall extends Omit<Call<GenerateEvent>, 'prepare'> {
  /** What a target is asked; it may have to be counted first. */
  readonly requestOf: (target: RouteTarget) => GenerateRequest | Promise<GenerateRequest>;
}

/** Who may answer, and what each of them is asked. */
export interface PlannedCall extends Pick<ModelCall, 'route' | 'requestOf'> {
  /** Whether something was left out of what a target was asked, by now, of which it was told no summary either. */
  readonly hasGap: () => boolean;
  readonly temperatureOf: (target: RouteTarget) => number | undefined;
  /** Tokens of what it is asked, as we estimate them; and of what it may answer, where the request says. */
  readonly tokensOf: (target: RouteTarget) => {
    readonly inputTokens: number;
    readonly maxOutputTokens: number | undefined;
  };
}

/** How long and how often a model is asked; times in milliseconds. */
export interface CallLimits {
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Calls of a target, the first included. */
  readonly maxAttempts: number;
  readonly retryBaseDelayMs: number;
}
