import { describe, expect, it } from '@jest/globals';
import { KeyFileError, parseKeyFile } from './parse-key-file.js';

const one = Buffer.alloc(32, 1).toString('base64');
const two = Buffer.alloc(32, 2).toString('base64');

describe('parseKeyFile', () => {
  it.each([
    ['nothing', '', 'a file with at least one key'],
    ['comments only', '# k1\n\n', 'a file with at least one key'],
    ['an id alone', `k1 ${one}\nk2`, 'line 2 to be "<id>'],
    ['a key alone', `\n${one}`, 'line 2 to be "<id>'],
    ['a third word', `k1 ${one} # mine`, 'line 1 to be "<id>'],
    ['an id with a colon', `file:k1 ${one}`, 'line 1 to be "<id>'],
    ['an id that is too long', `${'k'.repeat(65)} ${one}`, 'line 1 to be "<id>'],
    ['31 bytes', `# mine\nk1 ${Buffer.alloc(31).toString('base64')}`, 'line 2 to be base64 of 32 bytes'],
    ['33 bytes', `k1 ${Buffer.alloc(33).toString('base64')}`, 'line 1 to be base64 of 32 bytes'],
    ['32 bytes in hexadecimal', `k1 ${'0a'.repeat(32)}`, 'line 1 to be base64 of 32 bytes'],
    ['what is no base64 in between', `k1 *${one}`, 'line 1 to be base64 of 32 bytes'],
    ['an id twice', `k1 ${one}\nk1 ${two}`, 'line 2 to be an id of its own'],
  ])('refuses %s, and names the line but not what stands there', (_what, text, expected) => {
    const parsing = (): unknown => parseKeyFile(text);
    expect(parsing).toThrow(KeyFileError);
    expect(parsing).toThrow(expected);
    for (const word of text.split(/\s+/).filter((part) => part.length > 2)) {
      expect(parsing).not.toThrow(word);
    }
  });

  it('reads keys in their order, past comments, empty lines and spaces, with either end of line', () => {
    const keys = parseKeyFile(`# of 2026\r\n\r\n  2026-11_b.c  ${two} \r\n#old\nk1\t${one}`);
    expect([...keys]).toEqual([
      ['2026-11_b.c', Buffer.alloc(32, 2)],
      ['k1', Buffer.alloc(32, 1)],
    ]);
  });
});
