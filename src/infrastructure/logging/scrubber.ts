const hidden = '[hidden]';

/** Shapes of credentials, wherever they stand in a line. Each pattern is linear: no nested repetition. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${hidden}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, hidden],
  [/\b(?:ply|sk|pk|rk)[-_][A-Za-z0-9_-]{16,}/g, hidden],
  [/\b(AIza)[A-Za-z0-9_-]{30,}/g, hidden],
  [/(:\/\/[^:@/\s"]{0,100}):[^@/\s"]{1,200}@/g, `$1:${hidden}@`],
  [
    /((?:password|passwd|secret|api[-_]?key|access_token|refresh_token|id_token|client_secret|code_verifier|authorization|cookie)\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?)[^"'&\s,;}\\]{1,4000}/gi,
    `$1${hidden}`,
  ],
];

/** Something that each of the patterns needs: most lines hold nothing of it, and are looked at once instead of once for each. */
const suspicious =
  /bearer|basic|eyJ|(?:ply|sk|pk|rk)[-_]|AIza|:\/\/|passw|secret|api[-_]?key|_token|code_verifier|authorization|cookie/i;

/** Hides what looks like a credential in a finished log line: the last net, behind the allow-list of fields. */
export function scrub(line: string): string {
  if (!suspicious.test(line)) return line;
  return patterns.reduce((text, [pattern, replacement]) => text.replaceAll(pattern, replacement), line);
}
