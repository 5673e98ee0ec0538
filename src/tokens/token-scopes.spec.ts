import { describe, expect, it } from '@jest/globals';
import { roleScopes, type Scope } from '../auth/scopes.js';
import type { Role } from '../common/owner.js';
import { liesWithin } from './token-scopes.js';

const settings = { guestsChat: false, selfServiceTokens: false };

describe('liesWithin', () => {
  it.each<[Scope, Role]>([
    ['admin', 'power_user'],
    ['admin', 'user'],
    ['admin', 'guest'],
    ['users:read', 'power_user'],
    ['settings:write', 'user'],
    ['audit:read', 'user'],
    ['models:write', 'user'],
    ['tokens:write', 'user'],
    ['write', 'guest'],
    ['messages:write', 'guest'],
    ['completions:read', 'guest'],
  ])('refuses %s of what %s can do', (scope, role) => {
    expect(liesWithin(scope, roleScopes(role, settings))).toBe(false);
  });

  it.each<[Scope, Role]>([
    ['admin', 'admin'],
    ['read', 'admin'],
    ['write', 'admin'],
    ['knowledge:write', 'admin'],
    ['models:write', 'power_user'],
    ['read', 'user'],
    ['write', 'user'],
    ['threads:read', 'user'],
    ['messages:write', 'user'],
    ['read', 'guest'],
    ['threads:read', 'guest'],
  ])('grants %s of what %s can do', (scope, role) => {
    expect(liesWithin(scope, roleScopes(role, settings))).toBe(true);
  });

  it('grants nothing of nothing', () => {
    for (const scope of ['read', 'write', 'admin', 'threads:read'] as const) {
      expect(liesWithin(scope, [])).toBe(false);
    }
    expect(liesWithin('write', ['read'])).toBe(false);
    expect(liesWithin('write', ['threads:read'])).toBe(false);
  });
});
