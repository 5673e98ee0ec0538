import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The lists that reference programs answer with: what Parley answered, so that both send the same bytes. */
export const listNames = ['threads', 'messages'] as const;
export type ListName = (typeof listNames)[number];

/** How a reference program is started: `<port> <origin of the upstream> <directory of the lists>`. */
export function referenceArguments(): {
  readonly port: number;
  readonly upstream: string;
  readonly lists: Readonly<Record<ListName, unknown>>;
} {
  const [port = '0', upstream = '', directory = '.'] = process.argv.slice(2);
  const read = (name: ListName): unknown =>
    JSON.parse(readFileSync(path.join(directory, `${name}.json`), 'utf8'));
  return { port: Number(port), upstream, lists: { threads: read('threads'), messages: read('messages') } };
}
