/** The keys of a key file by their ids, in their order: the first wraps. */
export type FileKeys = ReadonlyMap<string, Buffer>;

/** What is wrong with a key file; it names the line and never what stands there. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

const keyBytes = 32;
const idPattern = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Reads lines of `<id> <base64 of 32 bytes>`; empty lines and those that begin with # say nothing.
 * @throws KeyFileError
 */
export function parseKeyFile(text: string): FileKeys {
  const keys = new Map<string, Buffer>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [id, encoded, ...rest] = line.trim().split(/\s+/);
    if (id === undefined || id === '' || id.startsWith('#')) continue;
    const problem = (expected: string): KeyFileError =>
      new KeyFileError(`line ${index + 1} to be ${expected}`);
    if (!idPattern.test(id) || encoded === undefined || rest.length > 0) {
      throw problem('"<id> <base64 of 32 bytes>", the id of letters, digits, ".", "_" and "-"');
    }
    const key = Buffer.from(encoded, 'base64');
    // Node skips over what is not base64; whoever slipped would have another key than they think.
    if (key.length !== keyBytes || key.toString('base64') !== encoded) throw problem('base64 of 32 bytes');
    if (keys.has(id)) throw problem('an id of its own');
    keys.set(id, key);
  }
  if (keys.size === 0) throw new KeyFileError('a file with at least one key');
  return keys;
}
