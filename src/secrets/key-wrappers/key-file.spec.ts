import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Log } from '../../infrastructure/logging/log.js';
import { KeyFile } from './key-file.js';
import type { WrappedKey } from './key-wrapper.js';

const dataKey = randomBytes(32);
const key1 = `k1 ${randomBytes(32).toString('base64')}\n`;
const key2 = `k2 ${randomBytes(32).toString('base64')}\n`;

let directory: string;
let file: string;
let lines: string[];
let log: Log;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'parley-keys-'));
  file = path.join(directory, 'keys');
  lines = [];
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  log = new Log({ 'log.level': 'info', 'log.format': 'json' }, destination);
});

afterEach(() => rm(directory, { recursive: true }));

async function open(text: string, { isProduction = true, mode = 0o600 } = {}): Promise<KeyFile> {
  await writeFile(file, text);
  await chmod(file, mode);
  return KeyFile.open(file, isProduction, log);
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(20) ^ 1, 20);
  return copy;
}

describe('a key file', () => {
  it.each([
    ['is not there', undefined, 'ENOENT'],
    ['has a line that is none', `${key1}k2 c2hvcnQ=\n`, 'line 2'],
    ['has no key', '# none\n', 'at least one key'],
  ])('that %s is refused at boot', async (_what, text, expected) => {
    const opening = text === undefined ? KeyFile.open(file, true, log) : open(text);
    const refused = {
      problems: [{ key: 'encryption.keyFile', expected: expect.stringContaining(expected) }],
    };
    await expect(opening).rejects.toMatchObject(refused);
    await expect(opening).rejects.not.toThrow('c2hvcnQ=');
  });

  it('that everybody may read is refused in production, and warned of elsewhere', async () => {
    await expect(open(key1, { mode: 0o604 })).rejects.toMatchObject({ name: 'ConfigurationError' });
    await open(key1, { mode: 0o604, isProduction: false });
    expect(lines.join('')).toMatch(/"level":"warn".*"mode":"604"/);
  });

  it('that its group may read is warned of once', async () => {
    const keys = await open(key1, { mode: 0o640 });
    await keys.wrap(dataKey, 'record');
    expect(lines.filter((line) => line.includes('"mode":"640"'))).toHaveLength(1);
  });

  it.each([
    ['another record', (wrapped: WrappedKey) => [wrapped, 'other'] as const],
    [
      'another key of the file',
      (wrapped: WrappedKey) => [{ ...wrapped, keyId: 'file:k2' }, 'record'] as const,
    ],
    [
      'a key that is not in it',
      (wrapped: WrappedKey) => [{ ...wrapped, keyId: 'file:k3' }, 'record'] as const,
    ],
    ['other bytes', ({ keyId, bytes }: WrappedKey) => [{ keyId, bytes: flipped(bytes) }, 'record'] as const],
  ])('does not unwrap for %s', async (_what, change) => {
    const keys = await open(key1 + key2);
    const [wrapped, record] = change(await keys.wrap(dataKey, 'record'));
    await expect(keys.unwrap(wrapped, record)).rejects.toMatchObject({ name: 'SecretUnreadableError' });
  });

  it('wraps with its first key and unwraps with each', async () => {
    const before = await (await open(key1)).wrap(dataKey, 'record');
    const keys = await open(key2 + key1);
    const after = await keys.wrap(dataKey, 'record');
    expect([before.keyId, after.keyId, await keys.currentKeyId()]).toEqual(['file:k1', 'file:k2', 'file:k2']);
    expect(await keys.unwrap(before, 'record')).toEqual(dataKey);
    expect(await keys.unwrap(after, 'record')).toEqual(dataKey);
  });

  it('is read again when it changed, without a restart', async () => {
    const keys = await open(key1);
    const before = await keys.wrap(dataKey, 'record');
    await writeFile(file, key2 + key1);
    expect((await keys.wrap(dataKey, 'record')).keyId).toBe('file:k2');
    await writeFile(file, key2);
    await expect(keys.unwrap(before, 'record')).rejects.toMatchObject({ name: 'SecretUnreadableError' });
  });

  it('keeps its last keys while it is broken or away, and says so once', async () => {
    const keys = await open(key1);
    const wrapped = await keys.wrap(dataKey, 'record');
    await writeFile(file, 'k2 half-a-li');
    expect(await keys.unwrap(wrapped, 'record')).toEqual(dataKey);
    expect(await keys.currentKeyId()).toBe('file:k1');
    await rm(file);
    expect(await keys.unwrap(wrapped, 'record')).toEqual(dataKey);
    const errors = lines.filter((line) => line.includes('"level":"error"'));
    expect(errors.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual([
      expect.stringContaining('line 1'),
      'ENOENT',
    ]);
    expect(errors.join('')).not.toContain('half-a-li');
    await writeFile(file, key2 + key1, { mode: 0o644 });
    expect(await keys.currentKeyId()).toBe('file:k1');
    await chmod(file, 0o600);
    expect(await keys.currentKeyId()).toBe('file:k2');
  });

  it('takes no other key by the name of one that it has', async () => {
    const keys = await open(key1);
    const wrapped = await keys.wrap(dataKey, 'record');
    await writeFile(file, `${key2}k1 ${randomBytes(32).toString('base64')}\n`);
    expect(await keys.currentKeyId()).toBe('file:k1');
    expect(await keys.unwrap(wrapped, 'record')).toEqual(dataKey);
    const errors = lines.filter((line) => line.includes('"level":"error"'));
    expect(errors).toEqual([expect.stringContaining('k1 is the key that it was')]);
    await writeFile(file, key2 + key1);
    expect(await keys.currentKeyId()).toBe('file:k2');
  });
});
