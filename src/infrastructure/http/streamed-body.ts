import type { Request } from 'express';
import { DomainError } from '../../common/domain-error.js';
import { within } from '../../common/within.js';

interface StreamedBodyLimits {
  readonly limitBytes: number;
  /** A client that sends nothing for this long, while it is waited for, has left. */
  readonly idleMs: number;
}

/**
 * The body of a request as it arrives: read no faster than it is used, and not at all once nobody goes on. The connection stays, for
 * the answer.
 * @throws DomainError PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, INVALID_REQUEST when the client goes away half-way
 */
export async function* streamedBody(
  request: Request,
  { limitBytes, idleMs }: StreamedBodyLimits,
): AsyncGenerator<Buffer, void, undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw new DomainError('PAYLOAD_TOO_LARGE');
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false });
  let received = 0;
  let isWaiting = false;
  try {
    for (;;) {
      isWaiting = true;
      const next = await within(idleMs, chunks.next());
      if (next === undefined) throw new DomainError('REQUEST_TIMEOUT');
      isWaiting = false;
      if (next.done === true) return;
      received += next.value.length;
      if (received > limitBytes) throw new DomainError('PAYLOAD_TOO_LARGE');
      yield next.value;
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw new DomainError('INVALID_REQUEST', { message: 'The body ended early.', cause: error });
  } finally {
    // Lets go of the request, so that the rest can be thrown away.
    if (!isWaiting) await chunks.return?.();
  }
}
