import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { renderDocumentation } from './documentation.js';
import { SETTING_KEYS } from './registry.js';

const files = renderDocumentation();

describe('generated documentation', () => {
  it.each(Object.entries(files))('finds %s up to date', (path, content) => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(content);
  });

  it('has every setting once in the reference and once, commented out, in the example', () => {
    const rows = files['docs/settings.md']?.match(/^\| `[^`]+` \|/gm);
    expect(rows).toEqual(SETTING_KEYS.map((key) => `| \`${key}\` |`));
    const lines = files['.env.example']?.split('\n').filter((line) => line !== '') ?? [];
    expect(lines.filter((line) => !line.startsWith('# '))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('# PARLEY_'))).toHaveLength(SETTING_KEYS.length);
  });
});
