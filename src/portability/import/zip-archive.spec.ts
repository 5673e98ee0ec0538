import { describe, expect, it } from '@jest/globals';
import { Zip, ZipDeflate } from 'fflate';
import { zipOf } from '../../../test/support/foreign-exports.js';
import { ZipArchive } from './zip-archive.js';

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function unpacked(bytes: Buffer, size = 1000, maxBytes = 50_000_000): Promise<Record<string, string>> {
  const archive = new ZipArchive(chunksOf(bytes, size), {
    isWanted: (name) => name.endsWith('.json'),
    maxBytes,
  });
  const files: Record<string, string> = {};
  for await (const file of archive.files()) {
    const pieces: Buffer[] = [];
    for await (const piece of file.bytes) pieces.push(piece);
    files[file.name] = Buffer.concat(pieces).toString();
  }
  return files;
}

/** As programs write an archive that do not know sizes before: they follow the data. */
function streamed(files: Readonly<Record<string, string>>): Buffer {
  const pieces: Uint8Array[] = [];
  const zip = new Zip((_error, piece) => pieces.push(piece));
  for (const [name, content] of Object.entries(files)) {
    const file = new ZipDeflate(name);
    zip.add(file);
    file.push(Buffer.from(content), true);
  }
  zip.end();
  return Buffer.concat(pieces);
}

const files = { 'a/conversations.json': '[1]'.repeat(3000), 'x.png': 'PK\x03\x04'.repeat(50), 'b.json': '' };
const broken = (damage: string) =>
  expect.objectContaining({ code: 'IMPORT_FILE_BROKEN', details: { damage } });

describe('unpacking an archive', () => {
  it('refuses one that ends early, wherever that is', async () => {
    const whole = zipOf(files);
    for (const end of [0, 3, 20, 60, 90, whole.length - 200, whole.length - 22, whole.length - 1]) {
      await expect(unpacked(whole.subarray(0, end))).rejects.toEqual(broken('truncated'));
    }
  });

  it('refuses what is no archive, what is encrypted, and what cannot be streamed', async () => {
    await expect(unpacked(Buffer.from('this is no archive'))).rejects.toEqual(broken('malformed_archive'));
    const encrypted = zipOf({ 'a.json': '[]' });
    encrypted.writeUInt16LE(encrypted.readUInt16LE(6) | 1, 6);
    await expect(unpacked(encrypted)).rejects.toEqual(broken('encrypted'));
    const endless = zipOf({ 'a.json': '[]' }, 0);
    endless.writeUInt16LE(endless.readUInt16LE(6) | 8, 6);
    await expect(unpacked(endless)).rejects.toEqual(broken('unsupported_archive'));
    const other = zipOf({ 'a.json': '[]' });
    other.writeUInt16LE(14, 8);
    await expect(unpacked(other)).rejects.toEqual(broken('unsupported_archive'));
  });

  it('refuses bytes that are not those that were packed', async () => {
    const changed = zipOf({ 'a.json': 'abcdefgh' }, 0);
    changed.write('X', changed.indexOf('cdef'));
    await expect(unpacked(changed)).rejects.toEqual(broken('checksum'));
    const damaged = zipOf(files);
    damaged.fill(0xff, 60, 70);
    await expect(unpacked(damaged)).rejects.toMatchObject({ code: 'IMPORT_FILE_BROKEN' });
  });

  it('refuses a bomb', async () => {
    const bomb = zipOf({ 'a.json': Buffer.alloc(40_000_000, ' ') });
    expect(bomb.length).toBeLessThan(100_000);
    await expect(unpacked(bomb)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    const large = zipOf({ 'a.json': 'x'.repeat(2000), 'b.json': 'x'.repeat(2000) });
    await expect(unpacked(large, 1000, 3000)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });

  it('gives the files that are wanted, however it was packed and arrives', async () => {
    const { 'x.png': _picture, ...wanted } = files;
    for (const archive of [zipOf(files), zipOf(files, 0), streamed(files)]) {
      for (const size of [1, 7, 100, 100_000]) expect(await unpacked(archive, size)).toEqual(wanted);
    }
  });
});
