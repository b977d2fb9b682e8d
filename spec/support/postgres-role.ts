import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** A login role of a spec's own: roles are the server's, not a database's. */
export interface PostgresRole {
  readonly name: string;
  /** The database's URL, as this role. */
  readonly url: string;
  /** With all its rights in that database. */
  drop(): Promise<void>;
}

/** @param database the URL of an administrator */
export async function postgresRole(database: string): Promise<PostgresRole> {
  const name = `filer_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await administrate(database, [`create role ${name} login password '${password}'`]);
  const url = new URL(database);
  url.username = name;
  url.password = password;
  return {
    name,
    url: url.toString(),
    drop: () => administrate(database, [`drop owned by ${name}`, `drop role ${name}`]),
  };
}

async function administrate(connectionString: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
