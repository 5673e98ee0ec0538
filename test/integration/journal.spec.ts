import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Log } from '../../src/infrastructure/logging/log.js';
import { Journal } from '../../src/generation/journal.js';
import { breaksOff, eventually, Parley, upstreamModel } from '../support/parley.js';

let parley: Parley;
let messageId: string;

beforeAll(async () => {
  parley = await Parley.start();
  const ada = await parley.first.logIn('ada');
  parley.upstream.enqueue(breaksOff([], { ending: 'stall' }));
  const open = await ada.stream(await ada.createThread(), upstreamModel, 'Hi');
  await open.next();
  const [message] = await parley.first.database.query<{ id: string }[]>(
    'SELECT id FROM messages WHERE replica_id IS NOT NULL',
  );
  messageId = String(message?.id);
});

afterAll(() => parley.stop());

/** The database of the test, of which `fail` decides when the answer to a query is lost: before it is done, or after. */
function unreliable(fail: () => 'before' | 'after' | undefined): DataSource {
  const real = parley.first.database;
  return new Proxy(real, {
    get: (target, property, receiver) =>
      property === 'query'
        ? async (...parameters: Parameters<DataSource['query']>) => {
            const when = fail();
            if (when === 'before') throw new Error('Connection terminated unexpectedly');
            const rows: unknown = await target.query(...parameters);
            if (when === 'after') throw new Error('Connection terminated unexpectedly');
            return rows;
          }
        : (Reflect.get(target, property, receiver) as unknown),
  });
}

describe('the journal', () => {
  it.each(['before', 'after'] as const)('loses nothing when a write fails %s it was done', async (when) => {
    await parley.first.database.query('DELETE FROM generation_journal');
    let failures = 2;
    let writes = 0;
    const dataSource = unreliable(() => (++writes <= failures ? when : undefined));
    const journal = new Journal(dataSource, new Log({ 'log.level': 'fatal', 'log.format': 'json' }));
    journal.append(messageId, 2, { type: 'token', token: 'one ' });
    await eventually(() => Promise.resolve(writes > 0 || undefined));
    journal.append(messageId, 3, { type: 'token', token: 'two ' });
    await eventually(() => Promise.resolve(writes > 1 || undefined));
    failures = 0;
    journal.append(messageId, 4, { type: 'token', token: 'three' });
    const whole = await eventually(async () => {
      const [part] = await journal.recover(messageId);
      return part?.type === 'text' && part.text.endsWith('three') ? part.text : undefined;
    });
    expect(whole).toBe('one two three');
    await journal.onApplicationShutdown();
  });
});
