import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What is read besides streams. Reference programs answer as Parley did, so that both send the same bytes. */
export const readNames = ['threads', 'messages', 'user'] as const;
export type ReadName = (typeof readNames)[number];

/** How a reference program is started: `<port> <origin of the upstream> <directory of the answers>`. */
export function referenceArguments(): {
  readonly port: number;
  readonly upstream: string;
  readonly reads: Readonly<Record<ReadName, unknown>>;
} {
  const [port = '0', upstream = '', directory = '.'] = process.argv.slice(2);
  const read = (name: ReadName): unknown =>
    JSON.parse(readFileSync(path.join(directory, `${name}.json`), 'utf8'));
  return {
    port: Number(port),
    upstream,
    reads: { threads: read('threads'), messages: read('messages'), user: read('user') },
  };
}
