import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** The one row of an installation: whoever completes it first is its admin. */
@Entity('installation')
@Check('ck_installation_single', 'id = 1')
export class Installation {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'pk_installation' })
  id!: number;

  /** Part of the one-time setup token, which every replica derives from it and the session secret. */
  @Column('uuid')
  setupSalt!: string;

  /** When there was an admin for the first time; from then on nobody can set up. */
  @Column('timestamp with time zone', { precision: 3, nullable: true })
  setupCompletedAt!: Date | null;
}
