import type { Response } from 'express';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import { sendEventStream, type EventStreamOptions } from '../../infrastructure/http/event-stream.js';
import type { FollowedLoad } from './model-statuses.service.js';

const close = 'event: close\ndata: {}\n\n';

/**
 * Tells how a load goes on: `progress` until one of `loaded` and `error`, then `close`. Events have no ids: whoever comes back is
 * told at once how it stands.
 */
export function sendLoadEvents(
  response: Response,
  loads: AsyncIterable<FollowedLoad>,
  options: Pick<EventStreamOptions<FollowedLoad>, 'slowReaderTimeoutMs' | 'ended'>,
): Promise<void> {
  return sendEventStream(response, loads, {
    ...options,
    encode: encodeLoad,
    refuse: (reason) =>
      encodeError(reason instanceof DomainError ? reason : new DomainError('NOT_AUTHENTICATED')),
  });
}

function encodeLoad({ load, failure }: FollowedLoad): string {
  const jobId = toWireId('load', load.id);
  const { state: status, progress } = load;
  if (status === 'loading') return encode('progress', { jobId, status, progress });
  if (status === 'loaded') return encode('loaded', { jobId, status }) + close;
  return encodeError(failure ?? new DomainError('MODEL_LOAD_INTERRUPTED'), jobId);
}

function encodeError({ code, message }: DomainError, jobId?: string): string {
  return encode('error', { ...(jobId === undefined ? {} : { jobId }), code, message }) + close;
}

function encode(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
