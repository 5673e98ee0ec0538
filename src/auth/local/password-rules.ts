import { DomainError } from '../../common/domain-error.js';
import { usernameKey } from './usernames.js';

const shortest = 12;
/** In UTF-16 units, as typed. */
export const longestPassword = 200;
const fewestDistinct = 5;
/** A username shorter than this stands in many a good password by chance. */
const shortestTellingName = 3;

/** Nothing but words that everybody tries first, digits and punctuation. No word begins another: linear. */
const common =
  /^(?:abc|admin|asdf|baseball|change|default|dragon|football|ghjk|hello|iloveyou|istrator|letmein|login|master|me|monkey|my|parley|pass|please|princess|qwerty|qwertz|root|secret|sunshine|super|test|the|uiop|user|wd|welcome|word|wort|zxcv|[\d\p{P}\p{S}\s])*$/iu;
const letter = /\p{L}/u;
const runs = ['0123456789'.repeat(21), '9876543210'.repeat(21)];

/**
 * What a new password must be (NIST SP 800-63B, 3.1.1.2): long, and not what is guessed first. No rules of composition.
 * @param param names the field that holds it
 * @throws DomainError PASSWORD_TOO_WEAK, VALIDATION_FAILED when it is too long
 */
export function refuseBadPassword(password: string, username: string, param: string): void {
  if (password.length > longestPassword) {
    throw new DomainError('VALIDATION_FAILED', {
      param,
      message: `A password has at most ${longestPassword} characters.`,
    });
  }
  const normal = password.normalize('NFKC');
  const reason = weaknessOf(Array.from(normal), normal.toLowerCase(), usernameKey(username));
  if (reason !== undefined) throw new DomainError('PASSWORD_TOO_WEAK', { param, message: reason });
}

function weaknessOf(characters: readonly string[], password: string, name: string): string | undefined {
  if (characters.length < shortest) return `A password has at least ${shortest} characters.`;
  if (name.length >= shortestTellingName && password.includes(name)) {
    return 'The password must not contain the username.';
  }
  const isMonotonous = new Set(characters).size < fewestDistinct;
  const isCommon = letter.test(password) && common.test(password);
  if (isMonotonous || isCommon || runs.some((run) => run.includes(password))) {
    return 'This password is among the first that anybody would guess.';
  }
  return undefined;
}
