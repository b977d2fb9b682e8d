import type { Knex } from 'knex';
import type { Database } from './database';
import { MIGRATIONS, migrationSource } from './migrations';

/** What knex calls its table of applied migrations, in the schema itself: two extensions in one database do not meet. */
const TABLE = 'migrations';

const configuration = (schema: string): Knex.MigratorConfig => ({
  migrationSource,
  schemaName: schema,
  tableName: TABLE,
});

/**
 * Brings the schema to this program's version, making it where there is none. Several may do so at once: one works, the
 * others wait.
 * @throws Error when the schema is of a newer program: nothing is changed then
 */
export async function migrate(database: Database): Promise<void> {
  await exclusively(database, async () => {
    await database.knex.raw('create schema if not exists ??', [database.schema]);
    const unknown = await unknownMigrations(database);
    if (unknown.length > 0)
      throw new Error(
        `The schema "${database.schema}" is of a newer program (${unknown.join(', ')}): start that one, or restore a backup.`,
      );
    await database.knex.migrate.latest(configuration(database.schema));
  });
}

/** Takes back the newest migration. Data that only it can hold is lost. */
export async function migrateDown(database: Database): Promise<void> {
  await exclusively(database, async () => {
    await database.knex.migrate.down(configuration(database.schema));
  });
}

async function unknownMigrations({ knex, schema }: Database): Promise<string[]> {
  const { rows } = await knex.raw<{ rows: { found: string | null }[] }>('select to_regclass(?) as found', [
    `${schema}.${TABLE}`,
  ]);
  if (!rows[0]?.found) return [];
  const applied: { name: string }[] = await knex.withSchema(schema).select('name').from(TABLE).orderBy('id');
  const known = new Set(MIGRATIONS.map(({ name }) => name));
  return applied.map(({ name }) => name).filter((name) => !known.has(name));
}

/** Under a lock of the session: it ends with the connection, whatever becomes of the process. */
async function exclusively(database: Database, work: () => Promise<void>): Promise<void> {
  const key = `${database.schema} migrations`;
  await database.connection(async (connection) => {
    await connection.query('select pg_advisory_lock(hashtextextended($1, 0))', [key]);
    try {
      await work();
    } finally {
      await connection.query('select pg_advisory_unlock(hashtextextended($1, 0))', [key]);
    }
  });
}
