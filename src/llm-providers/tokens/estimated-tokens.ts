/**
 * Tokens of a text by its characters, where no tokenizer is known: on the high side. Not below what OpenAI's two tokenizers count for
 * ordinary text of any script, code, base64, emoji and blanks, of which the older one, cl100k, is poor at all but English; the spec holds
 * it against both. Linear, about 5 ns a character.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  let word = 0;
  let before = -1;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    const weight = weights[unit] ?? 0;
    const kind = kinds[unit] ?? other;
    // A word, or a run of punctuation, is a token at least.
    if (word > 0 && kind !== kinds[before]) {
      tokens += Math.max(word, scale);
      word = 0;
    }
    if (kind === letter || kind === punctuation) word += weight;
    else if (kind === blank) tokens += blankWeight(unit, before, text.charCodeAt(index + 1));
    else tokens += weight;
    before = unit;
  }
  if (word > 0) tokens += Math.max(word, scale);
  return Math.ceil(tokens / scale);
}

/** Weights are in parts of a token. */
const scale = 20;

const [other, letter, punctuation, blank, digit] = [0, 1, 2, 3, 4];

/**
 * Of UTF-16 units, in twentieths of a token, as measured with cl100k on the Universal Declaration of Human Rights, rounded up. What is
 * not here weighs as many tokens as it has UTF-8 bytes: more than that no tokenizer that falls back to bytes makes of it.
 */
const measured: readonly (readonly [from: number, to: number, twentieths: number])[] = [
  [0x21, 0x7e, 15], // ASCII punctuation, of which digits and letters are taken out below
  [0x30, 0x39, 20], // digits: many vendors make a token of each
  [0x41, 0x5a, 18], // capitals: as in base64
  [0x61, 0x7a, 9],
  [0xa0, 0x24f, 24], // Latin with accents
  [0x370, 0x3ff, 22], // Greek
  [0x400, 0x52f, 40], // Cyrillic, of which the letters of Russian are better known
  [0x410, 0x44f, 14],
  [0x590, 0x5ff, 26], // Hebrew
  [0x600, 0x6ff, 36], // Arabic, of which the letters of Arabic itself are better known
  [0x621, 0x65f, 20],
  [0x900, 0x97f, 24], // Devanagari
  [0x980, 0x9ff, 30], // Bengali
  [0xa00, 0xdff, 44], // Gurmukhi to Sinhala
  [0xe00, 0xe7f, 24], // Thai
  [0x10a0, 0x10ff, 44], // Georgian
  [0x1e00, 0x1eff, 30], // Latin of Vietnamese
  [0x2000, 0x206f, 40], // dashes, quotes, joiners
  [0x2190, 0x259f, 40], // arrows, mathematics, boxes
  [0x3000, 0x30ff, 24], // Kana
  [0xac00, 0xd7af, 28], // Hangul
  [0xff00, 0xff5f, 32], // full width
  [0xd83c, 0xd83e, 20], // the first half of emoji, of which the second weighs two tokens
];

const weights = Uint8Array.from({ length: 0x10000 }, (_, unit) => {
  const isHalf = unit >= 0xd800 && unit <= 0xdfff;
  return (unit < 0x80 ? 1 : unit < 0x800 || isHalf ? 2 : 3) * scale;
});
for (const [from, to, twentieths] of measured) weights.fill(twentieths, from, to + 1);
for (const unit of commonHan()) weights[unit] = 34;

const kinds = new Uint8Array(0x10000);
kinds.fill(punctuation, 0x21, 0x7f);
kinds.fill(digit, 0x30, 0x3a);
kinds.fill(letter, 0x41, 0x5b);
kinds.fill(letter, 0x61, 0x7b);
const space = 0x20;
for (const unit of [0x9, 0xa, 0xb, 0xc, 0xd, space]) kinds[unit] = blank;

/** A space goes with the word or sign after it; of the same blanks there are tokens of many. */
function blankWeight(unit: number, before: number, after: number): number {
  const kind = kinds[after] ?? blank;
  if (unit === space && kind !== blank && kind !== digit && (weights[after] ?? 0) < 2 * scale) return 0;
  return unit === before ? 3 : scale;
}

/** What the standards of China, Taiwan and Japan count among the common characters: of the rare ones a token is a byte or two. */
function commonHan(): readonly number[] {
  const levels = [
    { standard: 'gb18030', rows: [0xb0, 0xd7], firstCell: 0xa1 },
    { standard: 'big5', rows: [0xa4, 0xc6], firstCell: 0x40 },
    { standard: 'euc-jp', rows: [0xb0, 0xcf], firstCell: 0xa1 },
  ] as const;
  return levels.flatMap(({ standard, rows: [from, to], firstCell }) => {
    const bytes: number[] = [];
    for (let row = from; row <= to; row++) {
      for (let cell = firstCell; cell <= 0xfe; cell++) bytes.push(row, cell);
    }
    const text = new TextDecoder(standard).decode(Uint8Array.from(bytes));
    return Array.from(text, (sign) => sign.charCodeAt(0)).filter((unit) => unit >= 0x4e00 && unit <= 0x9fff);
  });
}
