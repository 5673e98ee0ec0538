const replacement = '\ufffd';

/** Text as Postgres can keep it: without NUL, which it refuses, and without lone surrogates, which UTF-8 does not have. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', replacement);
}
