import { describe, expect, it } from '@jest/globals';
import type { Role } from '../common/owner.js';
import { testConfiguration } from '../../test/support/test-configuration.js';
import { Rights } from './rights.js';
import { sessionScopes, type RequiredScope, type Scope } from './scopes.js';

const rights = new Rights(testConfiguration({ 'database.url': 'postgres://localhost/none' }));

describe('Rights', () => {
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
    expect(rights.allows({ role, scopes }, required)).toBe(false);
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
    expect(rights.allows({ role, scopes }, required)).toBe(true);
  });
});
