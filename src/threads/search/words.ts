/** A word where it stands in a text. Offsets in UTF-16 units, as JavaScript counts. */
export interface Word {
  readonly start: number;
  readonly end: number;
  /** As the index has it, before stemming. */
  readonly folded: string;
  /** Whether it is a character of a script that puts no spaces between words. */
  readonly isCharacter: boolean;
}

const scripts = 'Han Hira Kana Bopo Hang Yiii Thai Laoo Mymr Khmr Tale Talu Lana Tavt Ahom Bali Java';
const spaceless = `[${scripts.replaceAll(/(\w+) ?/g, '\\p{scx=$1}')}]`;
const inWords = String.raw`[\p{L}\p{N}\p{M}\p{Cf}]`;
const words = new RegExp(
  String.raw`((?!\p{M})(?=${inWords})${spaceless}\p{M}*)|(?:(?!(?!\p{M})${spaceless})${inWords})+`,
  'gu',
);

/** The words of a text, in order: the same as `search_words` of the database makes (its migration), with where they stand. */
export function wordsOf(text: string): Word[] {
  return [...eachWordOf(text)];
}

/** The same, one by one: nothing is read of a text after the last that is taken. */
export function* eachWordOf(text: string): Generator<Word> {
  for (const match of text.matchAll(words)) {
    const folded = match[0]
      .normalize('NFKC')
      .replaceAll(/\p{Cf}/gu, '')
      .toLowerCase()
      .replaceAll('ς', 'σ');
    const { index: start } = match;
    const isCharacter = match[1] !== undefined;
    if (folded !== '') yield { start, end: start + match[0].length, folded, isCharacter };
  }
}
