import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const read = (file: string) => readFileSync(path.join(import.meta.dirname, '../..', file), 'utf8');

type Names = Readonly<Record<string, unknown>>;
const manifest = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies' | 'allowScripts',
  Names
>; // Ours, and npm would not have installed from another.

/** The packages that the first column of a section's table names. */
function namedUnder(heading: string): string[] {
  const section = read('docs/dependencies.md')
    .split('\n## ')
    .find((text) => text.startsWith(`${heading}\n`));
  const firstCells = section?.match(/^\| `[^|]+/gm) ?? [];
  return firstCells.flatMap((cell) => cell.match(/(?<=`)[^`, ]+(?=`)/g) ?? []).sort();
}

describe('docs/dependencies.md', () => {
  it.each([
    ['dependencies', 'dependencies'],
    ['devDependencies', 'devDependencies'],
    ['Install scripts', 'allowScripts'],
  ] as const)('names under %s what package.json has in %s', (heading, key) => {
    expect(namedUnder(heading)).toEqual(Object.keys(manifest[key]).sort());
  });
});
