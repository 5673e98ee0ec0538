/** Opens a block of code (CommonMark 0.31.2, section 4.5). */
const opening = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$/s;
/** Closes one that was opened with the same character, and no more of them. */
const closing = /^ {0,3}(`+|~+)[ \t]*$/;
/** What begins HTML (sections 4.6 and 6.6), and before it what is escaped already. */
const markup = /\\[^]|<(?=[A-Za-z/!?])/g;

/**
 * Markdown that somebody else wrote, as a quotation: its headings, lists and code look as they should and stay inside, since every line
 * of it begins with `>`. HTML, which could close the quotation where a renderer lets it through, is shown as text. Blocks of code are
 * kept as they are: each begins at the margin, so that it is one for every renderer, and is closed if it was not.
 */
export function quoted(text: string): string {
  let fence: string | undefined;
  const lines = text.split(/\r\n|\r|\n/).map((line) => {
    if (fence !== undefined) {
      const marker = closing.exec(line)?.[1];
      if (marker?.startsWith(fence) === true) fence = undefined;
      return line;
    }
    const [, marker, info = ''] = opening.exec(line) ?? [];
    if (marker === undefined) return withoutMarkup(line);
    fence = marker;
    return marker + info;
  });
  if (fence !== undefined) lines.push(fence);
  return lines.map((line) => (line === '' ? '>\n' : `> ${line}\n`)).join('');
}

function withoutMarkup(line: string): string {
  return line.replaceAll(markup, (found) => (found === '<' ? String.raw`\<` : found));
}
