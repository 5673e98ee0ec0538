import type { Seals } from '../../infrastructure/crypto/seals.js';

/** What a session keeps of the tokens that its OpenID provider gave. */
export interface ProviderTokens {
  /** The hint of a logout at the provider. */
  readonly idToken: string;
  /** Undefined when the provider gives none, which many do only for the scope `offline_access`. */
  readonly refreshToken?: string | undefined;
}

/** For one session: moved to the row of another one, the seal does not open. */
export function sealProviderTokens(seals: Seals, tokens: ProviderTokens, sessionId: string): Buffer {
  const { idToken, refreshToken } = tokens;
  return seals.seal(JSON.stringify({ idToken, refreshToken }), purpose(sessionId));
}

/** The tokens, or undefined when they were sealed for another session or with a secret that is gone. */
export function openProviderTokens(
  seals: Seals,
  sealed: Buffer,
  sessionId: string,
): ProviderTokens | undefined {
  const text = seals.open(sealed, purpose(sessionId));
  // Authenticated: nobody but sealProviderTokens wrote it.
  return text === undefined ? undefined : (JSON.parse(text) as ProviderTokens);
}

function purpose(sessionId: string): string {
  return `provider tokens of session ${sessionId}`;
}
