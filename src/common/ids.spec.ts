import { describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { fromWireId, toWireId, UuidV7Ids } from './ids.js';

const ids = new UuidV7Ids();

describe('wire ids', () => {
  it.each([
    ['another prefix', toWireId('user', ids.next())],
    ['no prefix', toWireId('thread', ids.next()).slice('thread_'.length)],
    ['a bare UUID', ids.next()],
    ['a short suffix', 'thread_01h'],
    ['a suffix beyond 128 bits', 'thread_8zzzzzzzzzzzzzzzzzzzzzzzzz'],
    ['letters outside base32', 'thread_01h455vb4pex5vsknk084sn0il'],
    ['upper case', toWireId('thread', ids.next()).toUpperCase()],
    ['nothing', ''],
  ])('refuses %s', (_name, wireId) => {
    expect(fromWireId('thread', wireId)).toBeUndefined();
  });

  it('gives back the UUID it was made of', () => {
    const uuid = ids.next();
    expect(fromWireId('message', toWireId('message', uuid))).toBe(uuid);
  });

  it('sorts after an id from a machine whose clock is an hour ahead', () => {
    const ahead = v7({ msecs: Date.now() + 3_600_000 });
    const next = ids.nextAfter(ahead);
    expect(next > ahead).toBe(true);
    expect(ids.nextAfter(next) > next).toBe(true);
    expect(ids.nextAfter(undefined) < ahead).toBe(true);
  });

  it('sorts as it was made, in the database and on the wire', () => {
    const made = Array.from({ length: 1000 }, () => ids.next());
    expect([...made].sort()).toEqual(made);
    const wire = made.map((uuid) => toWireId('thread', uuid));
    expect([...wire].sort()).toEqual(wire);
  });
});
