const dimensions = 256;

/**
 * A bag of words hashed into 256 dimensions, of length 1 (or 0 without words): texts that share words are near each
 * other. The trick of Weinberger et al., Feature Hashing for Large Scale Multitask Learning (2009): one bit of the
 * hash is a sign, so that collisions cancel out.
 */
export function demoEmbedding(text: string): readonly number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    const hash = fnv1a(word);
    const dimension = hash % dimensions;
    vector[dimension] = (vector[dimension] ?? 0) + (hash & 0x80000000 ? -1 : 1);
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** http://www.isthe.com/chongo/tech/comp/fnv/ over UTF-8, 32 bits. */
function fnv1a(word: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(word)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
