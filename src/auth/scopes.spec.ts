import { describe, expect, it } from '@jest/globals';
import type { Role } from '../common/owner.js';
import { allows, covers, isScope, sessionScopes, type RequiredScope, type Scope } from './scopes.js';

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

describe('allows', () => {
  it.each<[Role, readonly Scope[], RequiredScope]>([
    ['guest', ['read', 'write', 'admin'], 'messages:write'],
    ['guest', ['read', 'write', 'admin'], 'completions:write'],
    ['user', ['read', 'write', 'admin'], 'admin'],
    ['user', ['read', 'write', 'admin'], 'settings:read'],
    ['user', ['read', 'write', 'admin'], 'models:write'],
    ['power_user', ['read', 'write', 'admin'], 'users:read'],
    ['admin', ['read', 'write'], 'admin'],
    ['admin', ['read'], 'threads:write'],
    ['user', [], 'threads:read'],
    ['user', ['messages:write'], 'threads:read'],
  ])('refuses %s with %j what needs %s', (role, scopes, required) => {
    expect(allows({ role, scopes }, required)).toBe(false);
  });

  it.each<[Role, readonly Scope[], RequiredScope]>([
    ['guest', sessionScopes('guest'), 'threads:read'],
    ['user', sessionScopes('user'), 'threads:write'],
    ['user', sessionScopes('user'), 'models:read'],
    ['user', ['messages:write'], 'messages:read'],
    ['power_user', sessionScopes('power_user'), 'models:write'],
    ['admin', sessionScopes('admin'), 'admin'],
    ['admin', ['settings:write'], 'settings:read'],
  ])('lets %s with %j do what needs %s', (role, scopes, required) => {
    expect(allows({ role, scopes }, required)).toBe(true);
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
