import { storable } from '../common/storable.js';

const longestText = 1000;

/**
 * Details as the database will give them back, whatever a stranger's text does to it: JSON values alone, big integers as text,
 * texts cut at 1,000 characters, without NUL and lone surrogates. What is recorded must not fail because of who is recorded.
 */
export function storableDetails(details: Readonly<Record<string, unknown>>): object {
  const json = JSON.stringify(details, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return cleaned(JSON.parse(json)) as object;
}

/** A text of at most `maximum` characters that the database takes. */
export function storableText(text: string, maximum = longestText): string {
  return storable(text.slice(0, maximum));
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storableText(key), cleaned(inner)]));
}
