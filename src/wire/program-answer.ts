import type { Response } from 'express';
import type { DomainError } from '../common/domain-error.js';
import { toDomainError } from '../infrastructure/http/to-domain-error.js';
import { sendEventStream } from '../infrastructure/http/event-stream.js';
import { collect, type GenerateResult } from '../llm-providers/contract/collect.js';
import type { BytesEvent } from '../llm-providers/contract/forward.js';
import type { GenerateEvent, StartEvent } from '../llm-providers/contract/generate-event.js';
import type { ProgramEvent } from './program-calls.service.js';
import { refusalOf } from './reading.js';

/** How a door says what happens, while it happens. */
export interface StreamEncoder {
  /** What a program gets of an event; empty when it gets nothing. */
  readonly encode: (event: GenerateEvent) => string;
  /** How it is told that the answer failed after it had begun; nothing follows. */
  readonly fail: (error: DomainError) => string;
  /** What is sent in a long silence; a comment where the door has no word for it. */
  readonly ping?: string;
}

interface Reading {
  /** Aborted when the caller may not read on; its reason is the DomainError to tell. */
  readonly ended: AbortSignal;
  readonly slowReaderTimeoutMs: number;
}

/**
 * Streams an answer: bytes of a vendor as they are, our events in the words of the door. Before the first of them a failure is thrown, for
 * the filter to answer with its status; afterwards it is the last event, and nothing that looks like an end follows.
 */
export async function sendProgramStream(
  response: Response,
  events: AsyncGenerator<ProgramEvent, void, undefined>,
  encoder: StreamEncoder,
  { ended, slowReaderTimeoutMs }: Reading,
): Promise<void> {
  const first = await events.next();
  await sendEventStream(response, encoded(first, events, encoder), {
    encode: (piece) => piece,
    slowReaderTimeoutMs,
    ended,
    ping: encoder.ping,
    refuse: (reason) => encoder.fail(refusalOf(reason)),
  });
}

async function* encoded(
  first: IteratorResult<ProgramEvent, void>,
  rest: AsyncGenerator<ProgramEvent, void, undefined>,
  encoder: StreamEncoder,
): AsyncGenerator<string | Uint8Array, void, undefined> {
  let isForwarded = false;
  // What comes next shows whose words are to come.
  let start: StartEvent | undefined;
  const show = (event: ProgramEvent): string | Uint8Array => {
    isForwarded ||= event.type === 'bytes';
    if (event.type === 'bytes') return event.bytes;
    if (isForwarded) return '';
    if (event.type === 'start') {
      start = event;
      return '';
    }
    const begun = start === undefined ? '' : encoder.encode(start);
    start = undefined;
    return begun + encoder.encode(event as GenerateEvent); // Only the end of what is passed on lacks a reason.
  };
  try {
    for (let next = first; next.done !== true; next = await rest.next()) {
      const shown = show(next.value);
      if (shown.length > 0) yield shown;
    }
  } catch (error) {
    yield encoder.fail(toDomainError(error));
  } finally {
    // Whoever stops reading has gone away: the vendor is left.
    await rest.return();
  }
}

/** The whole of an answer: the vendor's own bytes, or what our events amount to, in the words of the door. */
export async function sendProgramAnswer(
  response: Response,
  events: AsyncGenerator<ProgramEvent, void, undefined>,
  toBody: (result: GenerateResult) => object,
): Promise<void> {
  const own: GenerateEvent[] = [];
  let bytes: BytesEvent['bytes'] | undefined;
  for await (const event of events) {
    if (event.type === 'bytes') bytes = event.bytes;
    else own.push(event as GenerateEvent); // Only the end of what is passed on lacks a reason, and it is not looked at.
  }
  if (bytes === undefined) response.status(200).json(toBody(await collect(own)));
  else sendJsonBytes(response, bytes);
}

/** An answer that a vendor wrote. */
export function sendJsonBytes(response: Response, bytes: Uint8Array): void {
  response
    .writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': bytes.byteLength })
    .end(bytes);
}
