import { beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectionCache } from './connection-cache.js';
import type { Connection } from './contract/connection.js';

let made: number;
let disposed: string[];
let cache: ConnectionCache<string>;

beforeEach(() => {
  made = 0;
  disposed = [];
  const make = ({ id, version }: Connection): string => `${id}@${version} ${++made}`;
  cache = new ConnectionCache(make, (value) => Promise.resolve(void disposed.push(value)));
});

function get(id: string, version = 1): string {
  const timeouts = { connectMs: 1, headersMs: 1, idleMs: 1 };
  return cache.get({ id, version, kind: 'openai', name: id, baseUrl: 'https://x', timeouts });
}

describe('ConnectionCache', () => {
  it('makes a value once for each version, and disposes of that of the version before', () => {
    expect([get('a'), get('a'), get('a', 2)]).toEqual(['a@1 1', 'a@1 1', 'a@2 2']);
    expect(disposed).toEqual(['a@1 1']);
  });

  it('disposes of the values of connections that are gone', () => {
    get('a');
    get('b');
    cache.retain((id) => ['b', 'c'].includes(id));
    expect(disposed).toEqual(['a@1 1']);
    expect(get('b')).toBe('b@1 2');
  });

  it('serves whoever still holds an older version, and keeps the newer one', () => {
    expect([get('a', 2), get('a'), get('a', 2), get('a')]).toEqual(['a@2 1', 'a@1 2', 'a@2 1', 'a@1 2']);
    expect(disposed).toEqual([]);
    get('a', 3);
    expect(disposed.sort()).toEqual(['a@1 2', 'a@2 1']);
  });

  it('does not grow without bound: the least recently used goes', () => {
    for (let index = 0; index < 500; index++) get(`c${index}`);
    get('c0');
    get('new');
    expect(disposed).toEqual(['c1@1 2']);
  });
});
