/**
 * Times are counted in classes, four to each doubling, so that counts of hours can be added up and a percentile still be told: to a tenth of it.
 * The last class has all that took longer than an hour.
 */
const classes = 88;
const classesPerDoubling = 4;

/** SQL: counts of the values of a column, in milliseconds, by class; nulls are in none. */
export function countsOf(column: string): string {
  const number = `floor(${classesPerDoubling} * ln(${column} + 1) / ln(2))`;
  const counts = Array.from({ length: classes }, (_, index) => {
    const comparison = index === classes - 1 ? '>=' : '=';
    return `count(*) FILTER (WHERE ${number} ${comparison} ${index})`;
  });
  return `ARRAY[${counts.join()}]`;
}

/** SQL: the sums of a column of such counts. */
export function sumsOf(column: string): string {
  const sums = Array.from({ length: classes }, (_, index) => `sum(${column}[${index + 1}])`);
  return `ARRAY[${sums.join()}]`;
}

/** SQL: two columns of such counts, added up. */
export function addedUp(one: string, other: string): string {
  return `ARRAY(SELECT a + b FROM unnest(${one}, ${other}) WITH ORDINALITY AS pair (a, b, place) ORDER BY place)`;
}

/**
 * @param share 0.5 for the median
 * @returns milliseconds, in the middle of the class; null when nothing was counted
 */
export function percentile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = Math.ceil(total * share);
  let seen = 0;
  const index = counts.findIndex((count) => (seen += count) >= wanted);
  return Math.round(2 ** ((index + 0.5) / classesPerDoubling) - 1);
}
