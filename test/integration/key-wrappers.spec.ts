import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { Log } from '../../src/infrastructure/logging/log.js';
import { configuredWrappers } from '../../src/secrets/key-wrappers/configured-wrappers.js';
import type { KeyWrappers } from '../../src/secrets/key-wrappers/key-wrappers.js';
import { localOutbound } from '../support/local-outbound.js';
import { arnOf, ScriptedKms } from '../support/scripted-kms.js';
import { ScriptedVault } from '../support/scripted-vault.js';
import { testConfiguration } from '../support/test-configuration.js';

const dataKey = randomBytes(32);
const unreadable = { name: 'SecretUnreadableError' };
const unavailable = { code: 'ENCRYPTION_UNAVAILABLE', status: 503 };

function wrappers(settings: EmbeddedValues): Promise<KeyWrappers> {
  const config = testConfiguration({ 'database.url': 'postgres://localhost/none', ...settings });
  return configuredWrappers(config, localOutbound, new Log(config));
}

/** What is thrown, with all of its causes, as a log line could tell it. */
async function told(work: Promise<unknown>): Promise<string> {
  const texts: string[] = [];
  let error: unknown = await work.catch((thrown: unknown) => thrown);
  while (error instanceof Error) {
    texts.push(`${error.name} ${error.message} ${error.stack ?? ''}`);
    error = error.cause;
  }
  return texts.join('\n');
}

describe('AWS KMS', () => {
  let kms: ScriptedKms;
  let keys: KeyWrappers;

  beforeAll(async () => {
    // eslint-disable-next-line no-restricted-properties -- where the SDK's own chain of credentials looks first
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example' });
    kms = await ScriptedKms.start();
    kms.aliases.set('alias/parley', arnOf('first'));
    keys = await wrappers({
      'encryption.wrapper': 'aws-kms',
      'encryption.awsKmsKeyId': 'alias/parley',
      'encryption.awsRegion': kms.region,
      'encryption.awsEndpoint': kms.url,
    });
  });

  afterEach(() => {
    kms.failure = undefined;
    kms.asked.length = 0;
  });

  afterAll(() => kms.stop());

  it('unwraps for no other record, no other key, and no other bytes', async () => {
    const wrapped = await keys.wrap(dataKey, 'record');
    await expect(keys.unwrap(wrapped, 'other')).rejects.toMatchObject(unreadable);
    await expect(
      keys.unwrap({ ...wrapped, keyId: `aws-kms:${arnOf('second')}` }, 'record'),
    ).rejects.toMatchObject(unreadable);
    await expect(keys.unwrap({ ...wrapped, bytes: randomBytes(64) }, 'record')).rejects.toMatchObject(
      unreadable,
    );
  });

  it('names the key that the alias stood for, and unwraps when it stands for another', async () => {
    const before = await keys.wrap(dataKey, 'record');
    expect(before.keyId).toBe(`aws-kms:${arnOf('first')}`);
    kms.aliases.set('alias/parley', arnOf('second'));
    expect(await keys.currentKeyId()).toBe(`aws-kms:${arnOf('second')}`);
    expect(await keys.unwrap(before, 'record')).toEqual(dataKey);
    kms.aliases.set('alias/parley', arnOf('first'));
  });

  it('is asked by the SDK, signed for its region, with the record in the context', async () => {
    await keys.wrap(dataKey, 'record');
    expect(kms.asked).toMatchObject([
      {
        operation: 'Encrypt',
        input: { KeyId: 'alias/parley', EncryptionContext: { 'parley:record': 'record' } },
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d+\/eu-central-1\/kms\//,
        ),
      },
    ]);
  });

  it.each([
    ['AccessDeniedException', 400],
    ['DisabledException', 400],
    ['KMSInvalidStateException', 400],
    ['KMSInternalException', 500],
  ])('that answers %s cannot be asked now', async (type, status) => {
    const wrapped = await keys.wrap(dataKey, 'record');
    kms.failure = { status, type };
    await expect(keys.wrap(dataKey, 'record')).rejects.toMatchObject(unavailable);
    await expect(keys.unwrap(wrapped, 'record')).rejects.toMatchObject(unavailable);
    expect(await told(keys.wrap(dataKey, 'record'))).not.toContain(dataKey.toString('base64'));
  });

  it('that does not know the key any more says that it is gone', async () => {
    const wrapped = await keys.wrap(dataKey, 'record');
    kms.failure = { status: 400, type: 'NotFoundException' };
    await expect(keys.unwrap(wrapped, 'record')).rejects.toMatchObject(unreadable);
    await expect(keys.wrap(dataKey, 'record')).rejects.toMatchObject(unavailable);
  });

  it('beside which a key file is configured leaves to the file what the file wrapped', async () => {
    const byFile = await (await wrappers({})).wrap(dataKey, 'record');
    expect(byFile.keyId).toBe('file:test');
    expect(await keys.unwrap(byFile, 'record')).toEqual(dataKey);
    expect(kms.asked).toEqual([]);
  });
});

describe('Vault transit', () => {
  let vault: ScriptedVault;
  let settings: EmbeddedValues;
  let keys: KeyWrappers;

  beforeAll(async () => {
    vault = await ScriptedVault.start();
    settings = {
      'encryption.wrapper': 'vault',
      'encryption.vaultAddress': `${vault.url}/`,
      'encryption.vaultToken': vault.token,
      'encryption.vaultKey': 'parley',
      'encryption.vaultMount': 'secret/transit',
    };
    keys = await wrappers(settings);
  });

  afterEach(() => {
    vault.failure = undefined;
    vault.asked.length = 0;
    vault.version = vault.oldestVersion = 1;
  });

  afterAll(() => vault.stop());

  it('unwraps for no other record, and no other bytes', async () => {
    const wrapped = await keys.wrap(dataKey, 'record');
    await expect(keys.unwrap(wrapped, 'other')).rejects.toMatchObject(unreadable);
    await expect(
      keys.unwrap({ ...wrapped, bytes: Buffer.from('vault:v1:x') }, 'record'),
    ).rejects.toMatchObject(unreadable);
  });

  it('is not asked for a key that is not the configured one, whatever a row says', async () => {
    for (const keyId of ['vault:secret/transit/other:v1', 'vault:../sys:v1', 'vault:']) {
      await expect(keys.unwrap({ keyId, bytes: Buffer.of(1) }, 'record')).rejects.toMatchObject(unreadable);
    }
    expect(vault.asked).toEqual([]);
  });

  it('names the version that wrapped, and unwraps what an older one wrapped while it may', async () => {
    const before = await keys.wrap(dataKey, 'record');
    expect(before.keyId).toBe('vault:secret/transit/parley:v1');
    vault.version = 2;
    expect(await keys.currentKeyId()).toBe('vault:secret/transit/parley:v2');
    expect(await keys.unwrap(before, 'record')).toEqual(dataKey);
    vault.oldestVersion = 2;
    await expect(keys.unwrap(before, 'record')).rejects.toMatchObject(unreadable);
  });

  it.each([403, 404, 429, 500, 503, 'nonsense' as const])(
    'that answers %s cannot be asked now',
    async (failure) => {
      const wrapped = await keys.wrap(dataKey, 'record');
      vault.failure = failure;
      await expect(keys.wrap(dataKey, 'record')).rejects.toMatchObject(unavailable);
      await expect(keys.unwrap(wrapped, 'record')).rejects.toMatchObject(unavailable);
      const text = await told(keys.wrap(dataKey, 'record'));
      expect(text).not.toContain(dataKey.toString('base64'));
      expect(text).not.toContain(vault.token);
    },
  );

  it('that refuses to encrypt cannot be asked now', async () => {
    vault.failure = 400;
    await expect(keys.wrap(dataKey, 'record')).rejects.toMatchObject(unavailable);
  });

  it('that is away, or knows another token, cannot be asked now', async () => {
    const elsewhere = await wrappers({ ...settings, 'encryption.vaultAddress': 'http://127.0.0.1:1' });
    await expect(elsewhere.wrap(dataKey, 'record')).rejects.toMatchObject(unavailable);
    const stranger = await wrappers({ ...settings, 'encryption.vaultToken': 'hvs.another' });
    await expect(stranger.wrap(dataKey, 'record')).rejects.toMatchObject(unavailable);
  });
});
