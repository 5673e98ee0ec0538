import { describe, expect, it } from '@jest/globals';
import { covers, isScope, type Scope } from './scopes.js';

describe('covers', () => {
  it.each<[Scope, Scope]>([
    ['read', 'write'],
    ['read', 'admin'],
    ['write', 'admin'],
    ['read', 'threads:write'],
    ['threads:read', 'threads:write'],
    ['threads:write', 'messages:read'],
    ['threads:write', 'messages:write'],
    ['threads:read', 'read'],
    ['threads:write', 'write'],
    ['threads:write', 'admin'],
  ])('refuses %s for %s', (granted, required) => {
    expect(covers(granted, required)).toBe(false);
  });

  it.each<[Scope, Scope]>([
    ['read', 'read'],
    ['read', 'threads:read'],
    ['write', 'read'],
    ['write', 'write'],
    ['write', 'threads:read'],
    ['write', 'threads:write'],
    ['threads:read', 'threads:read'],
    ['threads:write', 'threads:read'],
    ['threads:write', 'threads:write'],
    ['admin', 'read'],
    ['admin', 'write'],
    ['admin', 'settings:write'],
    ['admin', 'admin'],
  ])('grants %s for %s', (granted, required) => {
    expect(covers(granted, required)).toBe(true);
  });
});

describe('isScope', () => {
  it.each([
    undefined,
    null,
    1,
    '',
    'owner',
    'threads',
    'threads:delete',
    'things:read',
    'admin:read',
    '__proto__',
  ])('refuses %j', (value) => expect(isScope(value)).toBe(false));

  it.each(['read', 'admin', 'threads:write'])('knows %s', (value) => expect(isScope(value)).toBe(true));
});
