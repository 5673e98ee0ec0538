import { describe, expect, it } from '@jest/globals';
import { Page, readCursor, toPage, type PageQuery } from './cursor.js';

const time = '2026-11-20T10:00:00.000Z';
const uuid = '019aa0c0-0000-7000-8000-000000000001';
const query: PageQuery = { limit: 2, fingerprint: { orderBy: 'updated_at', archived: 'false' } };

function cursorOf(keys: readonly string[], from: PageQuery = query): string {
  const page = toPage(from, [1, 2, 3], () => keys);
  return page.pagination.cursor ?? '';
}

describe('cursors', () => {
  it.each([
    ['an empty cursor', ''],
    ['text that is not base64url JSON', '%%%'],
    ['JSON that is not a list', Buffer.from('{"a":1}').toString('base64url')],
    ['a forged list', Buffer.from(JSON.stringify(['x', time, uuid])).toString('base64url')],
    ['a key that is not a time', cursorOf(['yesterday', uuid])],
    ['a day that does not exist', cursorOf(['2026-02-30T00:00:00.000Z', uuid])],
    ['a year that Postgres does not know', cursorOf(['0000-01-01T00:00:00.000Z', uuid])],
    ['a time that does not exist', cursorOf(['2026-13-45T99:00:00.000Z', uuid])],
    ['a key that is not a UUID', cursorOf([time, "' OR 1=1"])],
    ['too few keys', cursorOf([time])],
    [
      'a cursor of another query',
      cursorOf([time, uuid], { ...query, fingerprint: { orderBy: 'created_at' } }),
    ],
  ])('refuses %s', (_name, cursor) => {
    expect(() => readCursor({ ...query, cursor }, 'time', 'uuid')).toThrow(
      expect.objectContaining({ code: 'INVALID_CURSOR', param: 'cursor' }),
    );
  });

  it('gives back the sort key of the last row of the page', () => {
    expect(readCursor({ ...query, cursor: cursorOf([time, uuid]) }, 'time', 'uuid')).toEqual([time, uuid]);
  });

  it('stays valid when only the limit changes', () => {
    expect(readCursor({ ...query, limit: 50, cursor: cursorOf([time, uuid]) }, 'time', 'uuid')).toEqual([
      time,
      uuid,
    ]);
  });

  it('leads nowhere on the last page', () => {
    const page = toPage(query, ['a', 'b'], () => [time, uuid], 2);
    expect(page).toEqual(new Page(['a', 'b'], { cursor: null, limit: 2, hasMore: false, totalCount: 2 }));
  });
});
