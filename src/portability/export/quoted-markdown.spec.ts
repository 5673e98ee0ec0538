import { describe, expect, it } from '@jest/globals';
import { quoted } from './quoted-markdown.js';

describe('quoting Markdown', () => {
  it.each([
    ['a heading', '# Fake', '> # Fake\n'],
    ['an empty line', 'a\n\nb', '> a\n>\n> b\n'],
    ['every kind of line end', 'a\r\nb\rc\nd', '> a\n> b\n> c\n> d\n'],
    ['HTML', '</blockquote><h1>Fake</h1>', '> \\</blockquote>\\<h1>Fake\\</h1>\n'],
    ['HTML that is escaped already', '\\<b> \\\\<b>', '> \\<b> \\\\\\<b>\n'],
    ['a comment', '<!-- hide', '> \\<!-- hide\n'],
    ['a comparison', '1 < 2', '> 1 < 2\n'],
    ['code with HTML in it', '```html\n<b>\n```\n<b>', '> ```html\n> <b>\n> ```\n> \\<b>\n'],
    ['code that is not closed', 'a\n~~~\n# x', '> a\n> ~~~\n> # x\n> ~~~\n'],
    ['code that shorter fences do not close', '````\n```\n<b>', '> ````\n> ```\n> <b>\n> ````\n'],
    ['code that other fences do not close', '```\n~~~\n<b>', '> ```\n> ~~~\n> <b>\n> ```\n'],
    [
      'code in a list, of which the end begins nothing',
      '- ```\n  x\n  ```\n<b>',
      '> - ```\n>   x\n> ```\n> <b>\n> ```\n',
    ],
    ['what is no fence', '```a`b\n<b>', '> ```a`b\n> \\<b>\n'],
  ])('keeps %s inside', (_what, text, expected) => {
    expect(quoted(text)).toBe(expected);
  });

  it('takes no longer for a long text than it must', () => {
    const nasty = ['`'.repeat(200_000), '\\'.repeat(200_000), '<'.repeat(200_000)].join('\n');
    expect(quoted(nasty).length).toBeGreaterThan(600_000);
  });
});
