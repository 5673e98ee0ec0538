import type { Message } from '../../messages/message.entity.js';
import type { ThreadWithModels } from '../../threads/threads.service.js';
import { quoted } from './quoted-markdown.js';
import type { ExportWriter } from './export-writer.js';

const roles = { user: 'User', assistant: 'Assistant', system: 'System', tool: 'Tool' } as const;

/**
 * For people to read: of each thread the current branches, without reasoning and calls of tools. All headings are ours; what was said is
 * quoted. The counts come last.
 */
export const markdownExport: ExportWriter = {
  contentType: 'text/markdown; charset=utf-8',
  extension: 'md',
  branch: 'current',
  begin: (now) => `<!-- Exported from Parley at ${now.toISOString()} -->\n`,
  beginThread({ thread, models }) {
    const names = models.map(({ modelId }) => inline(modelId)).join(', ');
    const about = [`Created ${day(thread.createdAt)}`, `last changed ${day(thread.updatedAt)}`];
    if (thread.archived) about.push('archived');
    if (names !== '') about.push(`with ${names}`);
    return `\n# ${inline(thread.title)}\n\n${about.join(', ')}.\n`;
  },
  message(message, view) {
    return `\n## ${heading(message, view)}\n\n${message.content === '' ? '*(no text)*\n' : quoted(message.content)}`;
  },
  endThread: (isWhole) => (isWhole ? '' : '\n*(deleted while this was written)*\n'),
  end: ({ threads, messages }) => `\n---\n\n${threads} threads, ${messages} messages.\n`,
};

function heading(
  { role, status, modelId, providerModel, createdAt }: Message,
  { models }: ThreadWithModels,
): string {
  const answeredBy = providerModel === null || providerModel === modelId ? '' : ` (${providerModel})`;
  const model = role === 'assistant' ? `, ${inline(modelId + answeredBy)}` : '';
  const to = role === 'user' && models.length > 1 ? `, to ${inline(modelId)}` : '';
  return `${roles[role]}${model}${to}, ${minute(createdAt)}${status === 'complete' ? '' : ` (${status})`}`;
}

/** Text within a line of ours: whatever would be markup is shown as it is. */
function inline(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .replaceAll(/[\\`*_{}[\]()<>#|~&!]/g, String.raw`\$&`);
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function minute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
