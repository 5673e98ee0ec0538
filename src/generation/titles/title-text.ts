/** As long as a title is when nobody chose it, in characters. */
const usualLength = 60;
/** And at most, in UTF-16 units, as where a person gives one. */
const longest = 200;
/** What is read to find one, in UTF-16 units: some of the patterns take the square of it. */
const mostRead = 1000;

/** The first words of what somebody wrote, in one line; undefined when there is not a single one. */
export function firstWords(content: string): string | undefined {
  const line = inOneLine(content.slice(0, mostRead));
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
  const bare = inOneLine(line.slice(0, mostRead))
    .replace(/^(?:[#*>\s]+|title\s*:\s*)+/i, '')
    .replace(/^["'“”„«»*_`]+|["'“”«»*_`]+$/gu, '')
    .trim();
  return bare === '' ? undefined : withoutHalf(bare.slice(0, longest)).trimEnd();
}

/** Without the first half of a character of which the second was cut off. */
function withoutHalf(text: string): string {
  return text.isWellFormed() ? text : text.slice(0, -1);
}

/** Without control characters, which no title has. */
function inOneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
}
