/** The first of the items, so many that their sizes come to `most`, and one at least. */
export function firstWithin<Item>(
  most: number,
  items: readonly Item[],
  sizeOf: (item: Item) => number,
): Item[] {
  let sum = 0;
  const beyond = items.findIndex((item, index) => (sum += sizeOf(item)) > most && index > 0);
  return items.slice(0, beyond === -1 ? items.length : beyond);
}
