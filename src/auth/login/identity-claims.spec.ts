import { describe, expect, it } from '@jest/globals';
import { readAuthenticationTime, readProfile, readProviderSession, type Claims } from './identity-claims.js';

const identity = { iss: 'https://idp.example', sub: 'ada' };
const usual = {
  username: 'preferred_username',
  name: 'name',
  email: 'email',
  groups: 'groups',
  tenant: undefined,
};

/** The profile of claims that stand where they usually do, unless told otherwise. */
function profileOf(claims: Claims, elsewhere: Partial<Record<keyof typeof usual, string>> = {}) {
  return readProfile(claims, { claims: { ...usual, ...elsewhere }, groupRoles: {} });
}

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
    expect(() => profileOf(claims)).toThrow(expect.objectContaining({ code: 'ID_TOKEN_CLAIM_MISSING' }));
  });

  it('takes what is for display, cut to size and free of control characters', () => {
    const claims = {
      ...identity,
      preferred_username: ` a\u0000d\r\na${'x'.repeat(300)}`,
      name: `${'x'.repeat(199)}😀`,
      email: 'ada@example.org',
    };
    const profile = profileOf(claims);
    expect(profile).toMatchObject({
      issuer: 'https://idp.example',
      subject: 'ada',
      email: 'ada@example.org',
    });
    expect(profile.username).toBe(`ada${'x'.repeat(197)}`);
    expect(profile.displayName).toBe(`${'x'.repeat(199)}\ufffd`);
  });

  it.each([undefined, null, 7, {}, [], '', ' \n '])('takes %j for no word at all', (value) => {
    const profile = profileOf({ ...identity, preferred_username: value, name: value, email: value });
    expect(profile).toMatchObject({ username: null, displayName: null, email: null });
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
    expect(profileOf({ ...identity, ...claims }, { groups: path }).groups).toEqual(groups);
  });

  it('looks at a bounded number of groups', () => {
    const groups = Array.from({ length: 5000 }, (_, index) => `group-${index}`);
    expect(profileOf({ ...identity, groups }).groups).toHaveLength(1000);
  });

  it('takes username, name and email from wherever the settings say', () => {
    const claims = {
      ...identity,
      preferred_username: 'x',
      upn: 'ada@corp',
      given: { full: 'Ada L' },
      mail: 'a@b.c',
    };
    const elsewhere = { username: 'upn', name: 'given.full', email: 'mail' };
    expect(profileOf(claims, elsewhere)).toMatchObject({
      username: 'ada@corp',
      displayName: 'Ada L',
      email: 'a@b.c',
    });
  });

  it.each([undefined, null, 7, '', ['acme'], 'a\u0000b', 'x'.repeat(501), '\ud800'])(
    'knows no tenant by %j',
    (hd) => {
      expect(profileOf({ ...identity, hd }, { tenant: 'hd' }).tenantClaim).toBeNull();
    },
  );

  it('takes the tenant exactly, and asks for none where no claim tells it', () => {
    expect(profileOf({ ...identity, hd: ' Acme.test' }, { tenant: 'hd' }).tenantClaim).toBe(' Acme.test');
    expect(profileOf({ ...identity, hd: 'acme.test' }).tenantClaim).toBeUndefined();
  });
});

describe('readAuthenticationTime', () => {
  const now = new Date('2026-11-20T12:00:00.000Z');

  it.each([
    [now.getTime() / 1000 - 60, '2026-11-20T11:59:00.000Z'],
    [now.getTime() / 1000 + 3600, now.toISOString()],
    [1e300, now.toISOString()],
    [-5, '1970-01-01T00:00:00.000Z'],
  ])('reads %j as %s, and never as later than now', (seconds, expected) => {
    expect(readAuthenticationTime({ auth_time: seconds }, now)?.toISOString()).toBe(expected);
  });

  it.each([undefined, null, '1', Number.NaN])('does not know when by %j', (seconds) => {
    expect(readAuthenticationTime({ auth_time: seconds }, now)).toBeUndefined();
  });
});

describe('readProviderSession', () => {
  it.each([undefined, 7, '', 'a\nb', 'x'.repeat(256)])('knows none by %j', (sid) => {
    expect(readProviderSession({ sid })).toBeNull();
  });

  it('takes it exactly', () => {
    expect(readProviderSession({ sid: 'Session 7' })).toBe('Session 7');
  });
});
