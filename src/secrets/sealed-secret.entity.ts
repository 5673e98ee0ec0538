import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A secret that only whoever may ask the key wrapper can read (models.md, Encryption). */
@Entity('sealed_secrets')
@ForeignKey('tenants', ['tenantId'], ['id'], { name: 'fk_sealed_secrets_tenant', onDelete: 'CASCADE' })
@Index('ix_sealed_secrets_key', ['keyId'])
export class SealedSecret {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_sealed_secrets' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  /** Of the key-encryption key, the kind of its wrapper first: `file:2026-11`. */
  @Column('varchar', { length: 500 })
  keyId!: string;

  /** The data key of this record alone, as the wrapper wrapped it. */
  @Column('bytea')
  wrappedKey!: Buffer;

  /** The text under the data key; it stays as it is when keys are rotated. */
  @Column('bytea')
  sealed!: Buffer;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  rewrappedAt!: Date | null;
}
