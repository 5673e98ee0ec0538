import type { FinishEvent, StartEvent } from './generate-event.js';

/** What a program and a vendor may both speak, so that what one says can be passed to the other as it is. */
export type WireProtocol =
  | 'openai-chat'
  | 'openai-completions'
  | 'openai-embeddings'
  | 'openai-responses'
  | 'anthropic-messages'
  | 'anthropic-count-tokens';

/** A request in the words of the vendor. */
export interface ForwardRequest {
  readonly protocol: WireProtocol;
  /** The vendor's id of the model, whatever the body says. */
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The body as it arrived, when it can mean nothing else than `body`: sent as it is where nothing of it must change. */
  readonly bytes?: Uint8Array | undefined;
  /** Of the protocol, to be passed on; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What the vendor answers, in its own bytes: `start` once and first, `finish` once and last, and nothing of an error: that is thrown as
 * a ProviderError. Pieces end where events of a stream end; an answer that is no stream is a single piece.
 */
export type ForwardEvent = StartEvent | BytesEvent | ForwardFinish;

export interface BytesEvent {
  readonly type: 'bytes';
  readonly bytes: Uint8Array;
  /** About how many tokens of output are in it, of a stream: for an answer whose usage never comes. */
  readonly tokens: number;
}

export type ForwardFinish = Pick<FinishEvent, 'type' | 'usage'>;
