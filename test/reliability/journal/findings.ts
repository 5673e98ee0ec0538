import { toWireId } from '../../../src/common/ids.js';
import type { MessageDto } from '../../../src/messages/dto/message.dto.js';
import type { ThreadDetailDto } from '../../../src/threads/dto/thread.dto.js';
import { eventually, type Answer, type Person } from '../../support/parley.js';
import type { Installation } from '../installation/installation.js';
import { check, type Found, type Verdict } from './checker.js';
import type { Exchange } from './facts.js';

/** Rules of the schema's meaning that no constraint holds; each finds what breaks it. */
const invariants: Readonly<Record<string, string>> = {
  'threads whose messages are counted wrongly': `
    SELECT id::text FROM threads
     WHERE message_count <> (SELECT count(*) FROM messages WHERE thread_id = threads.id)`,
  'models whose messages are counted wrongly': `
    SELECT thread_id::text AS id FROM thread_models model WHERE message_count <> (
      SELECT count(*) FROM messages WHERE thread_id = model.thread_id AND model_id = model.model_id)`,
  'messages whose place on the branch is marked wrongly': `
    WITH RECURSIVE branch AS (
      SELECT message.id, message.parent_id FROM thread_models JOIN messages message ON message.id = current_leaf_id
      UNION ALL
      SELECT parent.id, parent.parent_id FROM branch JOIN messages parent ON parent.id = branch.parent_id)
    SELECT id::text FROM messages WHERE on_current_branch <> (id IN (SELECT id FROM branch))`,
  'messages with a wrong parent': `
    SELECT child.id::text FROM messages child LEFT JOIN messages parent ON parent.id = child.parent_id
     WHERE child.role = 'assistant' AND parent.role IS DISTINCT FROM 'user'
        OR child.role = 'user' AND parent.role NOT IN ('assistant')
        OR parent.id > child.id OR parent.model_id <> child.model_id`,
  'answers that are held by a replica although they ended, or by none although they did not': `
    SELECT id::text FROM messages WHERE (replica_id IS NULL) <> (status NOT IN ('pending', 'streaming'))`,
  'journals of answers that ended': `
    SELECT message_id::text AS id FROM generation_journal JOIN messages ON messages.id = message_id
     WHERE status NOT IN ('pending', 'streaming')`,
  'messages that the search index has not, or has otherwise': `
    SELECT id::text FROM messages message WHERE content <> '' AND NOT EXISTS (
      SELECT FROM search_documents WHERE source_id = message.id AND part = 0
         AND words = setweight(to_tsvector('simple', search_words(search_part(content, 0))), 'D'))`,
  'words of messages that are not there': `
    SELECT source_id::text AS id FROM search_documents
     WHERE kind = 'message' AND source_id NOT IN (SELECT id FROM messages)`,
};

/** Promise 5: an answer whose replica is gone has ended after so long; a little more for a busy machine. */
const settlingPatienceMs = 32_000;

interface Scene {
  readonly installation: Installation;
  readonly people: ReadonlyMap<string, Person>;
  readonly journal: readonly Exchange[];
  readonly kills?: Found['kills'];
}

/** Waits until nothing is generated any more, then reads everything and holds it against the journal. */
export async function findings(scene: Scene): Promise<Verdict> {
  const { installation, journal, people, kills = [] } = scene;
  const verdict = await settled(installation).then(
    async () => {
      const threads = new Map(journal.map(({ threadId, subject }) => [threadId, subject]));
      const messages = new Map<string, readonly MessageDto[]>();
      for (const [threadId, subject] of threads) {
        messages.set(threadId, await readThread(people.get(subject), threadId));
      }
      const calls = Map.groupBy(installation.upstream.calls, ({ key }) => key);
      const keys = await keysOf(installation);
      return check(journal, { messages, callsOf: (key) => calls.get(key) ?? [], kills, keys });
    },
    (): Verdict => ({ violations: ['answers are still generated'], byStatus: {}, lostMs: [] }),
  );
  for (const [rule, query] of Object.entries(invariants)) {
    const broken = await installation.query<{ id: string }>(query);
    if (broken.length > 0) verdict.violations.push(`${rule}: ${broken.map(({ id }) => id).join()}`);
  }
  return verdict;
}

async function settled(installation: Installation): Promise<void> {
  await eventually(async () => {
    const generating = await installation.query(
      `SELECT FROM messages WHERE status IN ('pending', 'streaming')`,
    );
    return generating.length === 0 || undefined;
  }, settlingPatienceMs);
}

/** All pages; the thread must count what they have, and its current branch must be all of it. */
async function readThread(person: Person | undefined, threadId: string): Promise<readonly MessageDto[]> {
  if (person === undefined) throw new Error('Nobody has this thread.');
  const all: MessageDto[] = [];
  let query: string | undefined = '';
  while (query !== undefined) {
    const page: Answer<MessageDto[]> = await person.ask(
      'GET',
      `/api/threads/${threadId}/messages?branch=all&order=asc&limit=100${query}`,
    );
    if (page.status !== 200) throw new Error(`${threadId}: ${page.status}`);
    all.push(...page.data);
    const { cursor } = page.pagination;
    query = cursor === null ? undefined : `&cursor=${encodeURIComponent(cursor)}`;
  }
  const { data } = await person.ask<ThreadDetailDto>('GET', `/api/threads/${threadId}`);
  if (data.messageCount !== all.length) throw new Error(`${threadId} counts ${data.messageCount} messages`);
  return all;
}

async function keysOf(installation: Installation): Promise<ReadonlyMap<string, string>> {
  const keys = await installation.query<{ key: string; messageId: string }>(
    'SELECT key, message_id AS "messageId" FROM idempotency_keys',
  );
  return new Map(keys.map(({ key, messageId }) => [key, toWireId('message', messageId)]));
}
