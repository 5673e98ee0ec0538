import { DomainError } from '../../common/domain-error.js';
import { within } from '../../common/within.js';
import { toUnforeseen } from '../../infrastructure/unforeseen.js';
import type { ImportProgress, ImportReport } from './import-report.js';
import type { RunningImport } from './thread-import.service.js';

const progressEveryMs = 500;

export type ImportEvent =
  | { readonly type: 'progress'; readonly data: ImportProgress }
  | { readonly type: 'report'; readonly data: ImportReport }
  | { readonly type: 'error'; readonly data: object };

/** How an import goes on, twice a second, and how it ends. A slow reader is told less often. */
export async function* importEvents(running: RunningImport): AsyncGenerator<ImportEvent, void, undefined> {
  const ending = running.done.then(
    (data): ImportEvent => ({ type: 'report', data }),
    (error: unknown): ImportEvent => errorEvent(error),
  );
  for (;;) {
    const end = await within(progressEveryMs, ending);
    yield { type: 'progress', data: running.progress() };
    if (end === undefined) continue;
    yield end;
    return;
  }
}

/** As in the envelope of failures. */
export function errorEvent(error: unknown): ImportEvent {
  const { code, message, type, details } = error instanceof DomainError ? error : toUnforeseen(error);
  return { type: 'error', data: { code, message, type, ...(details === undefined ? {} : { details }) } };
}

export function encodeImportEvent({ type, data }: ImportEvent): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
