import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { startEmbeddedDefaults, type EmbeddedDefaults } from '../../src/embedded/embedded-defaults.js';
import { findPostmaster } from '../../src/embedded/postmaster.js';
import { parseKeyFile } from '../../src/secrets/key-wrappers/parse-key-file.js';
import { makeDataDirectory } from '../support/test-postgres.js';

const nothing = { database: false, identity: false, sessionSecrets: false, keyFile: false };

describe('the embedded defaults', () => {
  let dataDirectory: string;
  const started: EmbeddedDefaults[] = [];

  beforeEach(async () => {
    dataDirectory = await makeDataDirectory();
  });

  afterEach(async () => {
    for (const defaults of started.splice(0)) await defaults.stop();
    await rm(dataDirectory, { recursive: true });
  });

  async function start(
    need: Partial<typeof nothing>,
    { serverHost = '127.0.0.1', identityPort = 0 } = {},
  ): Promise<EmbeddedDefaults> {
    const defaults = await startEmbeddedDefaults({
      dataDirectory,
      identityPort,
      serverHost,
      publicUrl: new URL('http://localhost:3000'),
      need: { ...nothing, ...need },
      log: () => undefined,
    });
    started.push(defaults);
    return defaults;
  }

  it.each(['0.0.0.0', '::', '192.168.1.2', '127.0.0.1.example.com'])(
    'refuse an identity provider for everyone while Parley listens on %s',
    async (serverHost) => {
      await expect(start({ identity: true, sessionSecrets: true }, { serverHost })).rejects.toMatchObject({
        problems: [{ key: 'oidc.issuer' }],
      });
      expect(await readdir(dataDirectory)).toEqual([]);
    },
  );

  it('start nothing that is not needed', async () => {
    expect(await start({}, { serverHost: '0.0.0.0' })).toMatchObject({ values: {}, announcements: [] });
    expect(await readdir(dataDirectory)).toEqual([]);
  });

  it('keep the session secret, readable by its owner only', async () => {
    const { values } = await start({ sessionSecrets: true });
    expect(values['session.secrets']?.[0]).toHaveLength(64);
    expect((await start({ sessionSecrets: true })).values).toEqual(values);
    expect((await stat(path.join(dataDirectory, 'session-secret'))).mode & 0o777).toBe(0o600);
  });

  it('keep a key file that can be read as one, readable by its owner only', async () => {
    const { values } = await start({ keyFile: true });
    const file = values['encryption.keyFile'] ?? '';
    const text = await readFile(file, 'utf8');
    expect([...parseKeyFile(text).keys()]).toEqual(['first']);
    expect((await start({ keyFile: true })).values).toEqual(values);
    expect(await readFile(file, 'utf8')).toBe(text);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('bring an identity provider whose key survives a restart, and say who can log in', async () => {
    const keys = async ({ values }: EmbeddedDefaults): Promise<unknown> =>
      (await fetch(`${values['oidc.issuer'] ?? ''}/jwks`)).json();
    const first = await start({ identity: true });
    expect(await keys(await start({ identity: true }))).toEqual(await keys(first));
    expect(Object.keys(first.values).sort()).toEqual([
      'identity.groupRoles',
      'oidc.clientId',
      'oidc.clientSecret',
      'oidc.issuer',
    ]);
    expect(first.announcements.join()).toMatch(/ada \(admin\).*gus \(guest\)/);
  });

  it('bring a database', async () => {
    const { values, announcements } = await start({ database: true });
    const form = /^postgres:\/\/(?<role>\w+):[\w-]{32}@127\.0\.0\.1:\d+\/parley$/;
    expect(form.exec(values['database.url'] ?? '')?.groups).toEqual({ role: 'parley_app' });
    expect(form.exec(values['database.migrationUrl'] ?? '')?.groups).toEqual({ role: 'parley' });
    expect(announcements.join()).toContain(dataDirectory);
  });

  it('leave nothing running when stopped, nor when a part of them fails', async () => {
    const { values } = await start({ identity: true });
    const issuer = new URL(values['oidc.issuer'] ?? '');
    const blocked = start({ database: true, identity: true }, { identityPort: Number(issuer.port) });
    await expect(blocked).rejects.toMatchObject({ problems: [{ key: 'oidc.issuer' }] });
    expect(await findPostmaster(path.join(dataDirectory, 'postgres', 'data'))).toBeUndefined();

    await started.pop()?.stop();
    await expect(fetch(issuer)).rejects.toThrow('fetch failed');
  });
});
