/** So many code points of a text at most, which is how Postgres counts: never half of a surrogate pair. */
export function firstCharacters(text: string, maximum: number): string {
  return Array.from(text.slice(0, maximum * 2))
    .slice(0, maximum)
    .join('');
}
