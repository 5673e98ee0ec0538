/** As long as a title is when nobody chose it, in characters. */
const usualLength = 60;
const mostCharacters = 200;

/** The first words of what somebody wrote, in one line; undefined when there is not a single one. */
export function firstWords(content: string): string | undefined {
  const line = inOneLine(content.slice(0, 10 * mostCharacters));
  const characters = Array.from(line);
  if (characters.length <= usualLength) return line === '' ? undefined : line;
  const cut = characters.slice(0, usualLength).join('');
  const space = cut.lastIndexOf(' ');
  // Not of scripts that have none between words.
  return `${space > usualLength / 3 ? cut.slice(0, space) : cut}…`;
}

/** The title in what a model wrote, without what models put around one; undefined when there is none. */
export function titleIn(written: string): string | undefined {
  const [line = ''] = written.trim().split(/\r?\n/, 1);
  const bare = inOneLine(line)
    .replace(/^(?:[#*>\s]+|title\s*:\s*)+/i, '')
    .replace(/^["'“”„«»*_`]+|["'“”«»*_`]+$/gu, '')
    .trim();
  return bare === '' ? undefined : Array.from(bare).slice(0, mostCharacters).join('').trimEnd();
}

/** Without control characters, which no title has. */
function inOneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
}
