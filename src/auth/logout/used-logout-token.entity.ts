import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A logout token that was honoured, until it expires: its `jti` is good once (OpenID Connect Back-Channel Logout 1.0, 2.6). */
@Entity('used_logout_tokens')
@Index('ix_used_logout_tokens_expiry', ['expiresAt'])
export class UsedLogoutToken {
  /** Of issuer and `jti`. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'pk_used_logout_tokens' })
  tokenHash!: Buffer;

  @Column('timestamp with time zone', { precision: 3 })
  expiresAt!: Date;
}
