import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { Database } from '../../lib/store/database';
import { migrate } from '../../lib/store/migrate';

/** A database of a spec's own. */
export interface FreshDatabase {
  readonly url: string;
  /** Ends whatever is still connected. */
  readonly drop: () => Promise<void>;
}

/** A new database on the run's server: empty, or a copy of `template`. One a spec file, so that files run side by side. */
export async function freshDatabase({ template }: { template?: string } = {}): Promise<FreshDatabase> {
  const name = `${run()}_${randomBytes(6).toString('hex')}`;
  await administrate((admin) => admin.query(`create database ${name} ${template ? `template ${template}` : ''}`));
  return {
    url: urlOf(name),
    drop: () => administrate((admin) => admin.query(`drop database if exists ${name} with (force)`)),
  };
}

/** A new database with this program's schema: a copy of one that is migrated once in a run, by whoever needs it first. */
export async function migratedDatabase(): Promise<FreshDatabase> {
  const template = `${run()}_template`;
  await administrate(async (admin) => {
    // Ends with the connection: spec files run in processes of their own.
    await admin.query('select pg_advisory_lock(hashtext($1))', [template]);
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [template]);
    if (rowCount === 0) await makeTemplate(admin, template);
  });
  return freshDatabase({ template });
}

/** Drops what the run left on a server that is not its own, the template too. */
export async function dropDatabasesOfThisRun(): Promise<void> {
  await administrate(async (admin) => {
    const { rows } = await admin.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [`${run()}_`],
    );
    for (const { datname } of rows) await admin.query(`drop database if exists ${datname} with (force)`);
  });
}

/** It has the name once it is whole. */
async function makeTemplate(admin: Client, template: string): Promise<void> {
  const unfinished = `${template}_unfinished`;
  await admin.query(`drop database if exists ${unfinished} with (force)`);
  await admin.query(`create database ${unfinished}`);
  const database = new Database({ connectionString: urlOf(unfinished), poolSize: 2 });
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
  await renameWhenLeft(admin, unfinished, template);
}

/** A connection that was closed may be seen for a moment longer. */
async function renameWhenLeft(admin: Client, from: string, to: string): Promise<void> {
  await admin.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [from]);
  await admin.query(`alter database ${from} rename to ${to}`);
}

async function administrate(work: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: server() });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(server());
  url.pathname = `/${database}`;
  return url.toString();
}

const server = (): string => setByGlobalSetup('TEST_DATABASE_URL');
const run = (): string => setByGlobalSetup('SPEC_RUN');

function setByGlobalSetup(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run specs by jest, whose global setup sets it`);
  return value;
}
