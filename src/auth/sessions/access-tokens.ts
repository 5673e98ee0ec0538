import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { errors, jwtVerify, SignJWT, type JWTHeaderParameters } from 'jose';
import { Clock } from '../../common/clock.js';
import { fromWireId, Ids, toWireId } from '../../common/ids.js';
import { publicUrl } from '../../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { isScope, type Scope } from '../scopes.js';

const algorithm = 'HS256';
/** A type of our own, so that no other JWT is ever taken for one of these (RFC 8725, 3.11). */
const tokenType = 'parley-session+jwt';
const audience = 'parley';

interface AccessTokenSubject {
  readonly sessionId: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly username: string;
  readonly scopes: readonly Scope[];
}

/** What an access token proves: the session and what the credential allows. All else is read from the database. */
interface AccessGrant {
  readonly sessionId: string;
  readonly scopes: readonly Scope[];
}

/** The short-lived JWTs of sessions. The first of `session.secrets` signs, all of them verify. */
@Injectable()
export class AccessTokens {
  private readonly issuer: string;
  private readonly keys: ReadonlyMap<string, KeyObject>;
  private readonly signer: { readonly kid: string; readonly key: KeyObject };

  constructor(
    @Inject(CONFIGURATION) config: BootConfiguration,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    const keys = config['session.secrets'].map((secret) => ({
      kid: keyId(secret),
      key: createSecretKey(secret, 'utf8'),
    }));
    if (keys[0] === undefined) throw new Error('session.secrets is empty');
    this.signer = keys[0];
    this.keys = new Map(keys.map(({ kid, key }) => [kid, key]));
    this.issuer = publicUrl(config).origin;
  }

  sign(subject: AccessTokenSubject, expiresAt: Date): Promise<string> {
    return new SignJWT({
      username: subject.username,
      scope: subject.scopes,
      sid: toWireId('session', subject.sessionId),
      tid: toWireId('tenant', subject.tenantId),
    })
      .setProtectedHeader({ alg: algorithm, kid: this.signer.kid, typ: tokenType })
      .setSubject(toWireId('user', subject.userId))
      .setIssuer(this.issuer)
      .setAudience(audience)
      .setJti(this.ids.next())
      .setIssuedAt(this.clock.now())
      .setExpirationTime(expiresAt)
      .sign(this.signer.key);
  }

  /** What the token grants, or undefined when it is not one of ours, has expired or its key is gone. */
  async verify(token: string): Promise<AccessGrant | undefined> {
    try {
      const { payload } = await jwtVerify(token, (header) => this.keyOf(header), {
        algorithms: [algorithm],
        typ: tokenType,
        issuer: this.issuer,
        audience,
        currentDate: this.clock.now(),
        requiredClaims: ['sub', 'iat', 'exp', 'jti'],
      });
      const { sid, scope } = payload;
      const sessionId = typeof sid === 'string' ? fromWireId('session', sid) : undefined;
      if (sessionId === undefined || !Array.isArray(scope)) return undefined;
      return { sessionId, scopes: scope.filter(isScope) };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  private keyOf({ kid }: JWTHeaderParameters): KeyObject {
    const key = kid === undefined ? undefined : this.keys.get(kid);
    if (key === undefined) throw new errors.JWKSNoMatchingKey();
    return key;
  }
}

/** Names a secret without telling of it: 48 bits of a keyed hash over a label that nothing else is made from. */
function keyId(secret: string): string {
  return createHmac('sha256', secret).update('parley session key id').digest('base64url').slice(0, 8);
}
