import type pg from 'pg';
import type { DataSource } from 'typeorm';

/**
 * The connections themselves, for those who bring SQL of their own that TypeORM would not take: several statements in one text. A
 * connection on which one of them fails is not used again.
 */
export function poolOf({ driver }: DataSource): Pick<pg.Pool, 'query'> {
  // TypeORM's driver for Postgres, the only one there is here, and what it keeps in it without a type.
  return (driver as unknown as { readonly master: pg.Pool }).master;
}
