import { randomBytes } from 'node:crypto';
import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { hashSecret } from '../opaque-secret.js';

/**
 * One refresh token of a session, by its SHA-256. Its successor is HMAC-SHA256(successorSalt, token): every request that
 * presents the token derives the same successor, while neither token nor successor is at rest.
 */
@Entity('refresh_tokens')
@ForeignKey('sessions', ['tenantId', 'sessionId'], ['tenantId', 'id'], {
  name: 'fk_refresh_tokens_session',
  onDelete: 'CASCADE',
})
@Index('ix_refresh_tokens_session', ['sessionId'])
export class RefreshToken {
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'pk_refresh_tokens' })
  tokenHash!: Buffer;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  sessionId!: string;

  @Column('bytea')
  successorSalt!: Buffer;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  usedAt!: Date | null;
}

/** The row of a new refresh token. */
export function refreshTokenRow(
  token: string,
  { tenantId, sessionId }: Pick<RefreshToken, 'tenantId' | 'sessionId'>,
  createdAt: Date,
): RefreshToken {
  return {
    tokenHash: hashSecret(token),
    tenantId,
    sessionId,
    successorSalt: randomBytes(32),
    createdAt,
    usedAt: null,
  };
}
