import type { Response } from 'express';
import { drained } from './event-stream.js';

interface FileStreamOptions {
  readonly contentType: string;
  /** ASCII, without quotes: made by us, never of what somebody wrote. */
  readonly fileName: string;
  /** A reader that takes nothing for this long is disconnected, in milliseconds. */
  readonly slowReaderTimeoutMs: number;
  /** Ends the reading; its reason is thrown. */
  readonly ended: AbortSignal;
}

/**
 * Answers with a file to be saved, as its pieces are made, and waits for a slow reader instead of buffering for it. A failure before
 * the first piece is an answer of its own; a later one cuts the connection, so that half a file never looks like a whole one.
 */
export async function sendFileStream(
  response: Response,
  pieces: AsyncIterable<string>,
  { contentType, fileName, slowReaderTimeoutMs, ended }: FileStreamOptions,
): Promise<void> {
  const cut = (): void => void response.destroy();
  try {
    for await (const piece of pieces) {
      ended.throwIfAborted();
      if (response.destroyed) return;
      if (!response.headersSent) {
        // While it waits for the reader, too.
        ended.addEventListener('abort', cut, { once: true });
        response.status(200).set({
          'Content-Type': contentType,
          'Content-Disposition': `attachment; filename="${fileName}"`,
          'X-Accel-Buffering': 'no',
        });
        response.flushHeaders();
        if (response.req.method === 'HEAD') break;
      }
      if (!response.write(piece)) await drained(response, slowReaderTimeoutMs);
    }
    if (!response.destroyed) response.end();
  } finally {
    ended.removeEventListener('abort', cut);
  }
}
