import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { stream } from '../../bench/upstream/scripts.js';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import { GenerationKeeper } from '../../src/generation/generation-keeper.js';
import { OrphanSweep } from '../../src/generation/orphan-sweep.js';
import { Replicas } from '../../src/generation/replicas.js';
import {
  answerPieces,
  breaksOff,
  eventually,
  Parley,
  upstreamModel,
  type Person,
  type Replica,
} from '../support/parley.js';

let parley: Parley;
let second: Replica;
let ada: Person;
let adaAtSecond: Person;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada');
  adaAtSecond = ada.at(second);
});

afterAll(() => parley.stop());

function stored(messageId: string, status: string): Promise<MessageDto> {
  return eventually(async () => {
    const { data } = await adaAtSecond.ask<MessageDto>('GET', `/api/messages/${messageId}`);
    return data.status === status ? data : undefined;
  });
}

describe('two replicas on one database', () => {
  it('share sessions, threads and messages', async () => {
    const thread = await ada.createThread('Shared');
    expect((await adaAtSecond.post(thread, 'demo', { content: 'Hi' })).status).toBe(200);
    expect((await ada.ask('GET', `/api/threads/${thread}/messages`)).data).toHaveLength(2);
  });

  it('refuse a second message while the other one generates', async () => {
    const thread = await ada.createThread();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hi'), { gates: { 1: gate } }));
    const posted = ada.post(thread, upstreamModel, { content: 'one' });
    await parley.upstream.nextExchange();
    const refused = await adaAtSecond.post(thread, upstreamModel, { content: 'two' });
    expect(refused.error?.code).toBe('GENERATION_IN_PROGRESS');
    gate.open();
    await posted;
  });

  it('stop what the other one generates, and keep its text', async () => {
    const thread = await ada.createThread();
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const messageId = String((await open.next()).data['messageId']);
    await open.next();
    const exchange = await parley.upstream.nextExchange();
    const asked = await adaAtSecond.ask('POST', `/api/messages/${messageId}/cancel`, {});
    expect(asked.status).toBe(202);
    await exchange.closed;
    expect(await stored(messageId, 'cancelled')).toMatchObject({ content: 'Hel' });
  });

  it('stop what the other one generates in a thread that is deleted', async () => {
    const thread = await ada.createThread();
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    await open.next();
    const exchange = await parley.upstream.nextExchange();
    expect((await adaAtSecond.ask('DELETE', `/api/threads/${thread}`)).status).toBe(200);
    await exchange.closed;
    expect((await open.rest()).slice(-2)).toMatchObject([
      { type: 'error', data: { code: 'GENERATION_CANCELLED' } },
      { type: 'close' },
    ]);
  });
});

describe('promise 5: what a dead replica leaves behind', () => {
  it('is ended as interrupted by another one, with all journalled text, and is not overwritten', async () => {
    const thread = await ada.createThread();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello', ' there'), { gates: { 3: gate } }));
    const open = await ada.stream(thread, upstreamModel, 'Hi');
    const messageId = String((await open.next()).data['messageId']);
    await stored(messageId, 'streaming');
    // As if the first replica had been silent for a minute: its keeper rests, its heartbeat is old.
    parley.first.app.get(GenerationKeeper).rest();
    await second.database.query(
      `UPDATE replicas SET heartbeat_at = now() - interval '1 minute' WHERE id = $1`,
      [parley.first.app.get(Replicas).own],
    );
    await second.app.get(OrphanSweep).run();
    expect(await stored(messageId, 'interrupted')).toMatchObject({
      content: 'Hello there',
      errorCode: 'GENERATION_INTERRUPTED',
    });
    gate.open();
    expect((await open.rest()).map(({ type }) => type).slice(-2)).toEqual(['error', 'close']);
    expect(await stored(messageId, 'interrupted')).toMatchObject({ content: 'Hello there' });
    expect(await second.database.query('SELECT FROM generation_journal')).toEqual([]);
  });

  it('leaves alone what a living replica generates', async () => {
    const thread = await adaAtSecond.createThread();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello'), { gates: { 2: gate } }));
    const posted = adaAtSecond.post(thread, upstreamModel, { content: 'Hi' });
    await second.app.get(OrphanSweep).run();
    gate.open();
    expect((await posted).data.assistantMessage.status).toBe('complete');
  });
});
