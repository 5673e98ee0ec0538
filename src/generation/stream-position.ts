import type { MessagePart } from '../messages/message.js';
import type { GenerationEvent, JournalEvent, NumberedEvent } from './generation-event.js';

/**
 * Numbers of events say how much of the answer their reader has, so that they mean the same before and after the answer is finished,
 * to every replica (docs/decisions/2026-11-21-resuming.md): 1 to 999 before the answer, then 999 + what has been read of it, and
 * beyond every answer its end.
 */
const beforeAnswer = 999;
const endNumber = 1_000_000_000;
export const closeNumber = endNumber + 1;

/** The longest text in one event that is replayed, in UTF-16 units: whoever reads slowly gets on all the same. */
const longestPiece = 4096;

/** The number of an event that follows the one numbered `previous`; 0 when it is the first. */
export function numberAfter(previous: number, event: GenerationEvent): number {
  switch (event.type) {
    case 'message_start':
      return 1;
    case 'status':
      return previous < beforeAnswer ? previous + 1 : previous;
    case 'token':
    case 'reasoning':
    case 'tool_call':
      return Math.max(previous, beforeAnswer) + sizeOf(event);
    case 'message_complete':
    case 'error':
      return endNumber;
    case 'close':
      return closeNumber;
  }
}

/** What somebody who has read up to `after` lacks of an event: nothing, all, or the rest of its text. */
export function restOf({ number, event }: NumberedEvent, after: number): NumberedEvent | undefined {
  if (number <= after) return undefined;
  if (event.type !== 'token' && event.type !== 'reasoning') return { number, event };
  const known = sizeOf(event) - (number - after);
  return { number, event: known > 0 ? { ...event, token: event.token.slice(known) } : event };
}

/** The events that make these parts of a message; there are none for parts that only a later version knows. */
export function* eventsOf(parts: readonly MessagePart[]): Generator<JournalEvent, void, undefined> {
  for (const part of parts) {
    switch (part.type) {
      case 'text':
        for (const token of piecesOf(part.text)) yield { type: 'token', token };
        break;
      case 'reasoning':
        for (const token of piecesOf(part.text)) yield { type: 'reasoning', token };
        if (part.signature !== undefined) yield { type: 'reasoning', token: '', signature: part.signature };
        break;
      case 'tool_call':
        yield part;
        break;
    }
  }
}

/** A signature counts as one, whether it comes with text or by itself; a tool call, which comes whole, too. */
function sizeOf(event: Extract<JournalEvent, { type: 'token' | 'reasoning' | 'tool_call' }>): number {
  if (event.type === 'tool_call') return 1;
  const signature = event.type === 'reasoning' && event.signature !== undefined ? 1 : 0;
  return event.token.length + signature;
}

/** No character is cut in two. */
function* piecesOf(text: string): Generator<string, void, undefined> {
  for (let start = 0; start < text.length;) {
    let end = start + longestPiece;
    const last = text.charCodeAt(end - 1);
    if (last >= 0xd800 && last <= 0xdbff) end++;
    yield text.slice(start, end);
    start = end;
  }
}
