import { expect } from '@jest/globals';
import type { ImportReport } from '../../src/portability/import/import-report.js';
import type { Answer, Person } from './parley.js';

/** Sends a file to be imported. */
export async function importFile(
  person: Person,
  file: string | Uint8Array | object,
  { query = '', type = 'application/json' } = {},
): Promise<Answer<ImportReport>> {
  const isText = typeof file === 'string' || file instanceof Uint8Array;
  const response = await person.browser.fetch(`/api/threads/import${query}`, {
    method: 'POST',
    body: isText ? (file as string) : JSON.stringify(file),
    headers: { 'content-type': type },
  });
  const answer = (await response.json()) as Answer<ImportReport>;
  return { ...answer, status: response.status, headers: response.headers };
}

/** The report of an import, whether it was a success or not. */
export function reportOf(answer: Answer<ImportReport>): ImportReport {
  const report = answer.error === undefined ? answer.data : answer.error.details?.['report'];
  return report as ImportReport; // As every answer of an import has it.
}

/** What is exported, as JSON. */
export async function exported<File = ExportedFile>(
  person: Person,
  path = '/api/threads/export',
): Promise<File> {
  const response = await person.browser.fetch(path);
  expect(response.status).toBe(200);
  return (await response.json()) as File;
}

export interface ExportedMessage extends Record<string, unknown> {
  readonly id: string;
  readonly parentId: string | null;
  readonly modelId: string;
  readonly role: string;
  readonly content: string;
  readonly parts: readonly Record<string, unknown>[];
  readonly status: string;
  readonly providerModel: string | null;
  readonly createdAt: string;
}

export interface ExportedThread extends Record<string, unknown> {
  readonly id: string;
  readonly title: string;
  readonly models: Record<string, Record<string, unknown> & { readonly currentLeafId: string }>;
  readonly messages: readonly ExportedMessage[];
}

export interface ExportedFile {
  readonly format: string;
  readonly version: number;
  readonly threads: readonly ExportedThread[];
  readonly counts: { readonly threads: number; readonly messages: number };
}

/** The same file with ids by place: equal for files that differ in ids alone. */
export function withoutIds({ threads, counts }: ExportedFile): unknown {
  let text = JSON.stringify({ threads, counts });
  threads.forEach((thread, place) => {
    text = text.replaceAll(thread.id, `thread ${place}`);
    thread.messages.forEach(({ id }, index) => (text = text.replaceAll(id, `message ${place} ${index}`)));
  });
  return JSON.parse(text);
}
