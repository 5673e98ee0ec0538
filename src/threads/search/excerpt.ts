import { wordsOf, type Word } from './words.js';

/** Some of a text around what was found in it. Plain text, never markup: the ranges say what to highlight. */
export interface Excerpt {
  readonly text: string;
  /** Where in `text`, in UTF-16 units, `end` excluded; in order and apart. */
  readonly ranges: readonly Range[];
}

interface Range {
  readonly start: number;
  readonly end: number;
}

const excerptLength = 240;
const lengthBefore = 60;

/**
 * @param found the words, folded, that the index found in the text
 * @param phrases what was looked for: characters of scripts without spaces are highlighted where a whole run of them is
 */
export function excerptOf(text: string, found: readonly string[], phrases: readonly string[]): Excerpt {
  const words = wordsOf(text);
  const wanted = new Set(found);
  const runs = phrases.flatMap(runsOf);
  const ranges = apart(
    words.flatMap((word, index) => {
      if (!word.isCharacter) return wanted.has(word.folded) ? [word] : [];
      return runs
        .filter((run) => run.every((character, offset) => words[index + offset]?.folded === character))
        .map((run) => ({ start: word.start, end: words[index + run.length - 1]?.end ?? word.end }));
    }),
  );
  return cut(text, words, ranges);
}

/** The runs of characters in a phrase that have no other word between them. */
function runsOf(phrase: string): string[][] {
  const runs: string[][] = [[]];
  for (const { folded, isCharacter } of wordsOf(phrase)) {
    if (isCharacter) runs.at(-1)?.push(folded);
    else runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

/** Ranges that touch are one. */
function apart(ranges: readonly Range[]): Range[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined;
}

/** From a word that is not far before the first range, so that no character is cut in two. */
function cut(text: string, words: readonly Word[], ranges: readonly Range[]): Excerpt {
  const first = ranges[0]?.start ?? 0;
  const begin =
    first <= lengthBefore ? 0 : (words.find(({ start }) => start >= first - lengthBefore)?.start ?? 0);
  const piece = text.slice(begin, begin + excerptLength);
  const excerpt = piece.isWellFormed() ? piece : piece.slice(0, -1);
  return {
    text: excerpt,
    ranges: ranges
      .map(({ start, end }) => ({ start: start - begin, end: Math.min(end - begin, excerpt.length) }))
      .filter(({ start, end }) => start < end),
  };
}
