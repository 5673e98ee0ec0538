import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { SystemClock } from '../../common/clock.js';
import type { IdentityProviderSettings } from '../../config/identity-provider-type.js';
import { IdentityProvider } from './identity-provider.js';

const microsoft = 'https://login.microsoftonline.com';
const directory = '833ced3d-cb2e-41de-92f1-29e2af035ddc';

afterEach(() => {
  jest.restoreAllMocks();
});

/** A provider whose discovery document, wherever it is asked for, tells the issuer. */
function providerOf(issuer: string, told: string): IdentityProvider {
  const document = {
    issuer: told,
    authorization_endpoint: `${microsoft}/authorize`,
    token_endpoint: `${microsoft}/token`,
    jwks_uri: `${microsoft}/keys`,
  };
  jest.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(Response.json(document)));
  const settings: IdentityProviderSettings = {
    name: 'default',
    issuer,
    clientId: 'parley',
    clientSecret: undefined,
    label: 'Microsoft',
    scopes: ['openid'],
    claims: { username: 'u', name: 'n', email: 'e', groups: 'g', tenant: undefined },
    groupRoles: {},
    audience: undefined,
  };
  return new IdentityProvider(settings, new URL('https://chat.example'), new SystemClock());
}

describe('Microsoft Entra ID', () => {
  it.each([
    ['any directory', 'common', '{tenantid}'],
    ['any organisation', 'organizations', '{tenantid}'],
    ['a directory by its domain', 'acme.onmicrosoft.com', directory],
    ['a directory that answers as any', directory, '{tenantid}'],
  ])(
    'is refused for %s: its people would be told apart by nothing that we know',
    async (_name, asked, told) => {
      const provider = providerOf(`${microsoft}/${asked}/v2.0`, `${microsoft}/${told}/v2.0`);
      await expect(provider.metadata()).rejects.toMatchObject({ code: 'IDENTITY_PROVIDER_INVALID' });
    },
  );

  it('is good for one directory', async () => {
    const provider = providerOf(`${microsoft}/${directory}/v2.0`, `${microsoft}/${directory}/v2.0`);
    await expect(provider.metadata()).resolves.toMatchObject({ issuer: `${microsoft}/${directory}/v2.0` });
    expect(provider.isIssuer(`${microsoft}/${directory}/v2.0`)).toBe(true);
    for (const other of [`${microsoft}/${directory}/v2.0/`, `${microsoft}/${directory}`, 'x', '']) {
      expect(provider.isIssuer(other)).toBe(false);
    }
  });
});
