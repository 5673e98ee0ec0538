import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One attempt to log in, found by its `state`, bound to a browser by a cookie, used once (identity.md, Login by OIDC). */
@Entity('login_transactions')
@Index('ix_login_transactions_expiry', ['expiresAt'])
export class LoginTransaction {
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'pk_login_transactions' })
  stateHash!: Buffer;

  @Column('bytea')
  browserHash!: Buffer;

  @Column('text')
  codeVerifier!: string;

  @Column('text')
  nonce!: string;

  @Column('text')
  returnTo!: string;

  @Column('timestamp with time zone', { precision: 3 })
  expiresAt!: Date;

  /** Of the provider that was asked; null when a replica of the version before began the attempt, which knows but one. */
  @Column('text', { nullable: true })
  issuer!: string | null;
}
