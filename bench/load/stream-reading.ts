import type { IncomingMessage } from 'node:http';
import type { StreamPiece } from '../servers/target.js';

export interface StreamListener {
  readonly onFirstByte: () => void;
  readonly onText: (text: string) => void;
}

/**
 * Reads an event stream to its end.
 * @throws Error unless it said that it is complete, and ended as HTTP wants it
 */
export async function readStream(
  response: IncomingMessage,
  readEvent: (event: string) => StreamPiece,
  { onFirstByte, onText }: StreamListener,
): Promise<void> {
  let rest = '';
  let isComplete = false;
  let isFirst = true;
  response.setEncoding('utf8');
  for await (const arrived of response) {
    if (isFirst) onFirstByte();
    isFirst = false;
    const events = (rest + String(arrived)).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const piece = readEvent(event);
      if (piece.type === 'text') onText(piece.text);
      else if (piece.type === 'end') isComplete = true;
      else if (piece.type === 'failure') throw new Error(piece.reason);
    }
  }
  if (!isComplete || rest !== '') throw new Error('the stream broke off');
}
