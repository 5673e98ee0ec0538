import type { Message } from '../../messages/message.entity.js';
import type { ThreadWithModels } from '../../threads/threads.service.js';

/** How much has been written. */
export interface ExportCounts {
  readonly threads: number;
  readonly messages: number;
}

/** A format of exported threads, written in pieces, one after the other. */
export interface ExportWriter {
  readonly contentType: string;
  readonly extension: string;
  /** Which messages of a thread it shows. */
  readonly branch: 'current' | 'all';
  begin(now: Date): string;
  beginThread(view: ThreadWithModels, before: ExportCounts): string;
  message(message: Message, view: ThreadWithModels, place: { readonly isFirst: boolean }): string;
  /** @param isWhole false when the thread was deleted while it was written */
  endThread(isWhole: boolean): string;
  end(counts: ExportCounts): string;
}
