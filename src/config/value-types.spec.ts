import { describe, expect, it } from '@jest/globals';

import { declarationOf, SETTING_KEYS } from './registry.js';
import { boolean, decimal, integer, list, mapOf, oneOf, text, url, type ValueType } from './value-types.js';

const count = integer({ minimum: -5, maximum: 5 });
const ratio = decimal({ minimum: 0, maximum: 1 });
const keys = list({ minimumItems: 1, minimumLength: 3 });
const roles = mapOf(oneOf('admin', 'user'));
const database = url({ schemes: ['postgres'], credentials: true });

const REFUSED: readonly (readonly [ValueType<unknown>, unknown])[] = [
  [text, ''],
  [text, 12],
  [count, '6'],
  [count, '-6'],
  [count, '1.5'],
  [count, '0x1'],
  [count, ' 1'],
  [count, ''],
  [count, 1.5],
  [count, NaN],
  [count, null],
  [ratio, '1.01'],
  [ratio, '1e-1'],
  [ratio, Infinity],
  [boolean, 'yes'],
  [boolean, 1],
  [url(), 'chat.acme.test'],
  [url(), 'ftp://acme.test'],
  [url(), 'https://user:word@acme.test'],
  [database, 'https://acme.test'],
  [oneOf('a', 'b'), 'A'],
  [oneOf('a', 'b'), 'toString'],
  [keys, ''],
  [keys, []],
  [keys, ' , '],
  [keys, 'abc,de'],
  [keys, [1234]],
  [roles, 'staff=admin'],
  [roles, '["admin"]'],
  [roles, '{"staff":"owner"}'],
  [roles, { staff: null }],
  [roles, null],
];

const ACCEPTED: readonly (readonly [ValueType<unknown>, unknown, unknown])[] = [
  [text, 'x', 'x'],
  [count, '-5', -5],
  [count, 5, 5],
  [ratio, '0.25', 0.25],
  [boolean, 'false', false],
  [boolean, true, true],
  [url(), 'http://localhost:3000/v1', 'http://localhost:3000/v1'],
  [database, 'postgres://u:p@db/parley', 'postgres://u:p@db/parley'],
  [oneOf('a', 'b'), 'b', 'b'],
  [list(), '', []],
  [keys, 'abc, def\nghi', ['abc', 'def', 'ghi']],
  [keys, ['with space'], ['with space']],
  [roles, '{"CN=Staff,OU=x":"admin"}', { 'CN=Staff,OU=x': 'admin' }],
  [roles, { staff: 'user' }, { staff: 'user' }],
];

describe('value types', () => {
  it.each(REFUSED)('refuses what does not fit: $name, %j', (type, raw) => {
    expect(type.parse(raw)).toBeUndefined();
  });

  it.each(ACCEPTED)('reads text and native values: $name, %j', (type, raw, value) => {
    expect(type.parse(raw)).toEqual(value);
  });

  it.each(SETTING_KEYS)('fits the defaults of %s', (key) => {
    const { type, ...declared } = declarationOf(key);
    expect(type.parse(declared.default)).toEqual(declared.default);
    expect(type.parse(declared.productionDefault)).toEqual(declared.productionDefault);
  });
});
