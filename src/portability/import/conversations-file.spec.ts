import { describe, expect, it } from '@jest/globals';
import { ConversationsFile } from './conversations-file.js';

/** What is in a file that arrives at once. */
async function read(text: string): Promise<number> {
  async function* bytes(): AsyncGenerator<Buffer, void, undefined> {
    await Promise.resolve();
    yield Buffer.from(text);
  }
  let found = 0;
  const file = new ConversationsFile({ kind: 'json', bytes: bytes(), maxBytes: Infinity });
  for await (const _conversation of file.conversations()) found++;
  return found;
}

describe('a file of very many conversations', () => {
  it.each([
    ['elements', `[{"mapping":{}}${',0'.repeat(100_000)}]`],
    [
      'properties',
      `{"format":"parley.threads"${',"a":0'.repeat(100_000)},"version":1,"counts":{"threads":0}}`,
    ],
  ])('lets others at the processor between its %s', async (_what, text) => {
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    await read(text);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(2);
  });
});
