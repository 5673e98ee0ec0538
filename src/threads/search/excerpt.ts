import { eachWordOf, wordsOf, type Word } from './words.js';

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
 * Reads the text up to its first word that was found, and what is shown after it.
 * @param found the words, folded, that the index found in the text
 * @param phrases what was looked for: characters of scripts without spaces are highlighted where a whole run of them is
 */
export function excerptOf(text: string, found: readonly string[], phrases: readonly string[]): Excerpt {
  const wanted = new Set(found);
  const runs = phrases.flatMap(runsOf);
  const words: Word[] = [];
  const hits: Range[] = [];
  for (const word of eachWordOf(text)) {
    if (word.start > (hits[0]?.end ?? word.start) + excerptLength) break;
    words.push(word);
    if (!word.isCharacter) {
      if (wanted.has(word.folded)) hits.push(word);
      continue;
    }
    for (const run of runs) {
      const first = words.at(-run.length);
      if (first !== undefined && endWith(words, run)) hits.push({ start: first.start, end: word.end });
    }
  }
  return cut(text, words, apart(hits.sort((a, b) => a.start - b.start)));
}

function endWith(words: readonly Word[], run: readonly string[]): boolean {
  const offset = words.length - run.length;
  return offset >= 0 && run.every((character, index) => words[offset + index]?.folded === character);
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
