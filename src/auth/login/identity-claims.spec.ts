import { describe, expect, it } from '@jest/globals';
import { readProfile } from './identity-claims.js';

const identity = { iss: 'https://idp.example', sub: 'ada' };

describe('readProfile', () => {
  it.each([
    { sub: 'ada' },
    { ...identity, sub: undefined },
    { ...identity, sub: 7 },
    { ...identity, sub: '' },
    { ...identity, sub: 'a'.repeat(256) },
    { ...identity, sub: 'ada\u0000' },
    { ...identity, sub: 'ädä' },
  ])('refuses an identity that it cannot keep exactly: %j', (claims) => {
    expect(() => readProfile(claims, 'groups')).toThrow(expect.objectContaining({ code: 'LOGIN_REJECTED' }));
  });

  it('takes what is for display, cut to size and free of control characters', () => {
    const claims = {
      ...identity,
      preferred_username: ` a\u0000d\r\na${'x'.repeat(300)}`,
      name: `${'x'.repeat(199)}😀`,
      email: 'ada@example.org',
    };
    const profile = readProfile(claims, 'groups');
    expect(profile).toMatchObject({
      issuer: 'https://idp.example',
      subject: 'ada',
      email: 'ada@example.org',
    });
    expect(profile.username).toBe(`ada${'x'.repeat(197)}`);
    expect(profile.displayName).toBe(`${'x'.repeat(199)}\ufffd`);
  });

  it.each([undefined, null, 7, {}, [], '', ' \n '])('names a person %j by their subject', (value) => {
    const profile = readProfile(
      { ...identity, preferred_username: value, name: value, email: value },
      'groups',
    );
    expect(profile).toMatchObject({ username: 'ada', displayName: null, email: null });
  });

  it.each<[string, Record<string, unknown>, readonly string[] | undefined]>([
    ['groups', {}, undefined],
    ['groups', { groups: undefined }, undefined],
    ['groups', { groups: [] }, []],
    ['groups', { groups: null }, []],
    ['groups', { groups: 7 }, []],
    ['groups', { groups: 'staff' }, ['staff']],
    ['groups', { groups: ['staff', 7, null, { a: 1 }, 'admins'] }, ['staff', 'admins']],
    ['realm_access.roles', { realm_access: { roles: ['staff'] } }, ['staff']],
    ['realm_access.roles', { realm_access: {} }, undefined],
    ['realm_access.roles', { realm_access: 'staff' }, undefined],
    ['https://idp.example/groups', { 'https://idp.example/groups': ['staff'] }, ['staff']],
    ['constructor.name', {}, undefined],
    ['__proto__', {}, undefined],
  ])('reads groups at %s of %j as %j', (path, claims, groups) => {
    expect(readProfile({ ...identity, ...claims }, path).groups).toEqual(groups);
  });

  it('looks at a bounded number of groups', () => {
    const groups = Array.from({ length: 5000 }, (_, index) => `group-${index}`);
    expect(readProfile({ ...identity, groups }, 'groups').groups).toHaveLength(1000);
  });
});
