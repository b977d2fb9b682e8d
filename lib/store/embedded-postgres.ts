import * as path from 'node:path';
import { type Binaries, packageOfBinaries, reachableBinaries } from './embedded-postgres-binaries';
import { initialise, prepareFolder, type ServerFolder } from './embedded-postgres-folder';
import { Keeper, urlOf } from './embedded-postgres-keeper';

/** A Postgres of our own (docs/decisions/0005-embedded-postgres.md). */
export interface EmbeddedPostgres {
  /** A connection string for pg, knex and psql; of the database `postgres` by default. */
  url(database?: string): string;
  /** True while the server in use is another process's. */
  readonly adopted: boolean;
  /** Stops the server when it is ours; an adopted one goes on. */
  stop(): Promise<void>;
}

/** How to run the server. */
export interface EmbeddedPostgresOptions {
  /** Settings of postgresql.conf; they hold when this process starts the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long the start may take; 30,000 by default: what was killed may have much to recover. */
  readonly timeoutMilliseconds?: number;
}

/**
 * Starts Postgres on the files in `dir`, or adopts the server that another process runs on them. Each process that uses it
 * holds one idle connection: when that ends though `stop` was not called (the process whose server it was has ended, or the
 * server was killed), it adopts what runs then, or starts the server itself. So a database outlives its first starter as
 * long as one process needs it, and clients see a short outage.
 * @throws Error when it does not start, saying what to do
 */
export async function startEmbeddedPostgres(
  dir: string,
  { settings = {}, timeoutMilliseconds = 30_000 }: EmbeddedPostgresOptions = {},
): Promise<EmbeddedPostgres> {
  const root = packageOfBinaries();
  const folder = await prepareFolder(path.resolve(dir));
  const binaries = await readyFor(folder, root, settings).catch(async (error: unknown) => {
    await folder.close();
    throw error;
  });
  const keeper = new Keeper(folder, binaries, settings);
  await keeper.start(timeoutMilliseconds);
  return {
    url: (database = 'postgres') => urlOf(folder, database),
    get adopted() {
      return keeper.adopted;
    },
    stop: () => keeper.stop(),
  };
}

async function readyFor(
  folder: ServerFolder,
  root: string,
  settings: Readonly<Record<string, string>>,
): Promise<Binaries> {
  // Where files that can be made again belong (hier(7)): used when the account may enter neither the project nor `dir`.
  const places = [folder.dir, '/var/cache/nova-shared-filesystem'];
  const binaries = await reachableBinaries(root, places, folder.account);
  await initialise(folder, binaries, settings.fsync !== 'off');
  return binaries;
}
