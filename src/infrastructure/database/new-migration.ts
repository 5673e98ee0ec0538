import type { SchemaDrift } from './migrator.js';

const name = /^[A-Z][A-Za-z0-9]{2,60}$/;

function statements(queries: readonly string[]): string {
  return queries.map((query) => `    await db.query(${JSON.stringify(query)});`).join('\n');
}

/**
 * A migration that would close the drift, to be read and named by a person before it is committed.
 * @throws RangeError when the name is not PascalCase
 */
export function newMigration(
  migrationName: string,
  epochMs: number,
  drift: SchemaDrift,
): { path: string; text: string } {
  if (!name.test(migrationName))
    throw new RangeError('The name of a migration is PascalCase: AddThreadColour');
  return {
    path: `migrations/${epochMs}-${migrationName}.ts`,
    text: `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${migrationName}${epochMs} implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
${statements(drift.up)}
  }

  async down(db: QueryRunner): Promise<void> {
${statements(drift.down)}
  }
}
`,
  };
}
