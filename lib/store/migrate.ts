import type { Knex } from 'knex';
import { Unavailable } from '../domain/errors';
import { errorCode } from '../error-code';
import type { Database } from './database';
import { MIGRATIONS, migrationSource } from './migrations';
import { renewReconcilerRights } from './reconciler-role';

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
    const [, made] = await database.knex.migrate.latest(configuration(database.schema));
    if (Array.isArray(made) && made.length > 0) await renewReconcilerRights(database);
  });
}

const DENIED = '42501';
const ABSENT = '42P01';

/**
 * Looks whether the schema has all that this program needs: for a process that must not change it. One of a newer program has.
 * @throws Unavailable saying who is waited for
 */
export async function requireSchema(database: Database): Promise<void> {
  const applied = new Set(await appliedMigrations(database));
  const [missing] = MIGRATIONS.filter(({ name }) => !applied.has(name));
  if (missing)
    throw new Unavailable(
      `The schema "${database.schema}" lacks ${missing.name}: the API of this version, or migrate, has to make it.`,
    );
}

/** Whether this role has the rights of the tables' owner, and is held to no row policy. */
export async function isOwner(database: Database): Promise<boolean> {
  const [row] = await database.query<{ owner: boolean }>(
    `select pg_has_role(current_user, c.relowner, 'usage') as owner from pg_class c where c.oid = 'filesystems'::regclass`,
    [],
  );
  return row?.owner ?? false;
}

async function appliedMigrations(database: Database): Promise<readonly string[]> {
  try {
    return (await database.query<{ name: string }>('select name from migrations', [])).map(({ name }) => name);
  } catch (error) {
    const code = errorCode(error) || errorCode(error instanceof Error ? error.cause : null);
    if (code !== ABSENT && code !== DENIED) throw error;
    // a schema that a role may not use is none for it
    throw new Unavailable(
      `There is no schema "${database.schema}" here, or this role may not read it: the API, or migrate, has to make it, and migrate --grant-reconciler gives a role its rights.`,
    );
  }
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
