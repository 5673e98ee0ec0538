import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';

const numbered = /^(.+):(\d{1,10})$/;

/**
 * The number of the last event that a reader has of a message, by `Last-Event-ID`; 0 for none.
 * @throws DomainError VALIDATION_FAILED for an id that no event of this message has: silence would be a gap or a repeat
 */
export function lastEventNumber(header: string | undefined, messageId: string): number {
  if (header === undefined) return 0;
  const [, id, number] = numbered.exec(header) ?? [];
  if (id !== toWireId('message', messageId)) {
    throw new DomainError('VALIDATION_FAILED', {
      param: 'Last-Event-ID',
      message: 'Last-Event-ID must be the id of an event of this message.',
    });
  }
  return Number(number);
}
