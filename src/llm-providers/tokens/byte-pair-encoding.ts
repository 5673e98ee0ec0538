/**
 * Pieces are merged in stretches of so many bytes: the time for a piece grows with its square. A longer one, which no ordinary text has,
 * counts a token more at most for each stretch.
 */
const stretchBytes = 256;

/** What a tokenizer does, but for the numbers of the tokens. https://github.com/openai/tiktoken/blob/main/tiktoken/_educational.py */
export class BytePairEncoding {
  /**
   * @param ranks the tokens, as strings with a character for each byte, with how early they are merged
   * @param pieces matches the pieces of a text over which no token goes
   */
  constructor(
    private readonly ranks: ReadonlyMap<string, number>,
    private readonly pieces: RegExp,
  ) {}

  /** Special tokens are text as any other: `<|endoftext|>` is seven. */
  count(text: string): number {
    let tokens = 0;
    for (const piece of text.match(this.pieces) ?? []) tokens += this.countPiece(piece);
    return tokens;
  }

  private countPiece(piece: string): number {
    const bytes = Buffer.from(piece).toString('latin1');
    if (this.ranks.has(bytes)) return 1;
    let tokens = 0;
    for (let from = 0; from < bytes.length; from += stretchBytes) {
      tokens += this.merge(bytes.slice(from, from + stretchBytes));
    }
    return tokens;
  }

  /** Merges, of the neighbours that make a token, those with the lowest rank, until there are none. */
  private merge(bytes: string): number {
    const starts = Array.from({ length: bytes.length + 1 }, (_, index) => index);
    const rankAt = (part: number): number => {
      const end = starts[part + 2];
      return end === undefined ? Infinity : (this.ranks.get(bytes.slice(starts[part], end)) ?? Infinity);
    };
    const ranks = starts.map((_, part) => rankAt(part));
    for (;;) {
      let lowest = Infinity;
      let part = -1;
      ranks.forEach((rank, index) => {
        if (rank < lowest) [lowest, part] = [rank, index];
      });
      if (part < 0) return starts.length - 1;
      starts.splice(part + 1, 1);
      ranks.splice(part + 1, 1);
      ranks[part] = rankAt(part);
      if (part > 0) ranks[part - 1] = rankAt(part - 1);
    }
  }
}
