import type { Connection } from './connection.js';
import type { ProviderKind } from './provider-kind.js';
import type { EmbedRequest, EmbedResult } from './embed.js';
import type { ForwardEvent, ForwardRequest, WireProtocol } from './forward.js';
import type { GenerateEvent } from './generate-event.js';
import type { GenerateRequest } from './generate-request.js';
import type { LoadProgress, ModelInfo, ModelStatus } from './model-info.js';
import type { OptionRules } from './option-rules.js';

/**
 * One vendor. Adapters know their vendor; nothing else does. Every promise is tested by test/contract.
 *
 * Every method throws a ProviderError when the vendor fails, and the signal's own reason when the signal aborts.
 * No method retries: whether to try again is the caller's decision.
 */
export interface ModelProvider {
  readonly kind: ProviderKind;

  /** What `Connection.options` may say to the adapter; absent when it listens to none. */
  readonly connectionOptions?: OptionRules;

  /** The vendor does not tell which models can be called: the operator has to name them. */
  readonly namesNoModels?: boolean;

  /** Shows that the vendor is reachable and takes the credential. */
  verify(call: CallContext): Promise<void>;

  listModels(call: CallContext): Promise<readonly ModelInfo[]>;

  /** What is known of a model without asking the vendor, for those that the operator named. */
  describeModel(model: string): ModelInfo;

  /** One answer. Ending the iteration early closes the connection to the vendor. */
  stream(request: GenerateRequest, call: CallContext): AsyncIterable<GenerateEvent>;

  /** Whether requests of a protocol can be passed on to this connection as they are; absent where none can. */
  speaks?(protocol: WireProtocol, connection: Connection): boolean;

  /** Passes on a request that is in the vendor's words already, and the answer. Of what `speaks` says yes to. */
  forward?(request: ForwardRequest, call: CallContext): AsyncIterable<ForwardEvent>;

  embed?(request: EmbedRequest, call: CallContext): Promise<EmbedResult>;

  /** Input tokens of a request, as the vendor would count them. */
  countTokens?(request: GenerateRequest, call: CallContext): Promise<number>;

  /**
   * What `stream` would refuse before it sends anything: its own ProviderError, thrown without asking anybody. Absent where nothing is
   * ever refused.
   */
  check?(request: GenerateRequest, connection: Connection): void;

  /** For local models: how each of them is, in their order, for as few calls as it takes. */
  status?(models: readonly string[], call: CallContext): Promise<readonly ModelStatus[]>;

  /** Loads a local model, reporting as it goes; ends when the model is loaded. */
  load?(model: string, call: CallContext): AsyncIterable<LoadProgress>;

  /** Frees the memory that a local model takes; one that is not loaded stays so. */
  unload?(model: string, call: CallContext): Promise<void>;

  /** Closes, once their requests have ended, what the adapter keeps open for all other connections. */
  retain?(isKept: (connectionId: string) => boolean): void;

  /** Closes what the adapter keeps open; called once, when the process shuts down. */
  close?(): Promise<void>;
}

export interface CallContext {
  readonly connection: Connection;
  /** Aborting closes the connection to the vendor, also before it has answered. */
  readonly signal: AbortSignal;
  /** Ours, for matching the vendor's logs with our own. */
  readonly requestId: string;
}
