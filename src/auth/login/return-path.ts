import { DomainError } from '../../common/domain-error.js';

const maxLength = 2000;

/** From the root, not to another host (`//x`, and `/\x` as browsers read it), no backslash and no control character. */
const localPath = /^\/(?![/\\])[^\\\p{Cc}]*$/u;

/**
 * The path that a person is sent to after logging in, normalised; `/` when none is asked for. It stays local however often
 * somebody on the way decodes it.
 * @throws DomainError INVALID_RETURN_PATH for everything but a path on our own site
 */
export function readReturnPath(asked: unknown, site: URL): string {
  if (asked === undefined) return '/';
  if (typeof asked !== 'string' || asked.length > maxLength || !decodings(asked).every(isLocal)) refuse();
  const url = URL.parse(asked, site.href);
  if (url?.origin !== site.origin) refuse();
  // Resolving dots can uncover a double slash: `/.//x`.
  const path = url.pathname + url.search + url.hash;
  return isLocal(path) ? path : refuse();
}

function isLocal(path: string): boolean {
  return localPath.test(path);
}

/** The text and what percent-decoding makes of it, again and again until it changes nothing or fails. */
function decodings(text: string): string[] {
  const all = [text];
  try {
    for (
      let decoded = decodeURIComponent(text);
      decoded !== all.at(-1);
      decoded = decodeURIComponent(decoded)
    ) {
      all.push(decoded);
    }
  } catch {
    // A lone percent sign: nothing is left to decode.
  }
  return all;
}

function refuse(): never {
  throw new DomainError('INVALID_RETURN_PATH', { param: 'returnTo' });
}
