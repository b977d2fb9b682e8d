import { Socket } from 'node:net';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { type Binaries, packageOfBinaries, reachableBinaries } from './embedded-postgres-binaries';
import {
  initialise,
  prepareFolder,
  removeStalePidFile,
  type ServerFolder,
  serverPid,
} from './embedded-postgres-folder';
import { launch, type Server } from './embedded-postgres-server';

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

/** Cures itself: another process's server is starting or stopping on the same files, or backends of a killed one still end. */
const PASSING = /lock file "[^"]*" already exists|shared memory block/;
const PAUSE_MILLISECONDS = 20;
const AGAIN_MILLISECONDS = 1_000;

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

/** An idle connection, by which the end of the server is noticed. */
interface Hold {
  readonly ended: Promise<void>;
  release(): Promise<void>;
}

class Keeper {
  readonly #folder: ServerFolder;
  readonly #binaries: Binaries;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #stopped = new AbortController();
  #server: Server | null = null;
  #hold: Hold | null = null;
  #keeping: Promise<void> = Promise.resolve();

  constructor(folder: ServerFolder, binaries: Binaries, settings: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#binaries = binaries;
    this.#settings = settings;
  }

  get adopted(): boolean {
    return this.#server === null;
  }

  async start(timeoutMilliseconds: number): Promise<void> {
    try {
      this.#hold = await this.#reach(AbortSignal.timeout(timeoutMilliseconds));
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#keeping = this.#keep(this.#hold);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#hold?.release();
    await this.#keeping;
    await this.#server?.stop();
    await this.#folder.close();
  }

  async #keep(first: Hold): Promise<void> {
    const { signal } = this.#stopped;
    await first.ended;
    while (!signal.aborted) {
      try {
        this.#hold = await this.#reach(signal);
        if (signal.aborted) await this.#hold.release();
        await this.#hold.ended;
      } catch {
        // The log has why (postgres.log), and whoever uses the database says that it is out of reach.
        await delay(AGAIN_MILLISECONDS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  /** Connects to the server that runs, or to one that it starts. */
  async #reach(signal: AbortSignal): Promise<Hold> {
    for (;;) {
      const hold = await connect(urlOf(this.#folder, 'postgres'));
      if (hold !== null) {
        await this.#disownOther();
        return hold;
      }
      const reason = await this.#startOrWait();
      if (reason !== null && !PASSING.test(reason)) throw new Error(`Postgres did not start:\n${reason}`);
      if (signal.aborted) throw new Error(`Postgres did not start in time. ${await this.#server?.output()}`);
      await delay(PAUSE_MILLISECONDS);
    }
  }

  /** Starts a server when there is none of ours; null, or why the last one ended. */
  async #startOrWait(): Promise<string | null> {
    const server = this.#server;
    if (server === null) {
      await removeStalePidFile(this.#folder.data);
      this.#server = await launch(this.#folder, this.#binaries, this.#settings);
      return null;
    }
    if (!server.hasEnded()) return null;
    this.#server = null;
    return server.output();
  }

  /** The server that answers may be another's: then ours, if there is one, ends by itself. */
  async #disownOther(): Promise<void> {
    if (this.#server === null || (await serverPid(this.#folder.data)) === this.#server.pid) return;
    await this.#server.stop();
    this.#server = null;
  }
}

/** Null when nobody answers. The connection does not keep this process from ending. */
async function connect(connectionString: string): Promise<Hold | null> {
  const socket = new Socket();
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: 2_000,
    application_name: 'nova-shared-filesystem keeper',
    stream: () => socket,
  });
  client.on('error', () => undefined); // its end follows, and that is what counts
  const ended = new Promise<void>((resolve) => {
    client.once('end', () => resolve());
  });
  try {
    await client.connect();
    socket.unref();
    const release = (): Promise<void> => {
      socket.ref(); // or a process that has nothing else to do would end before the server has
      return client.end();
    };
    return { ended, release };
  } catch {
    socket.destroy();
    return null;
  }
}

// The port, since pg would else take PGPORT; `localhost`, since a URL without a host is none for knex; sslmode for PGSSLMODE.
function urlOf({ socket }: ServerFolder, database: string): string {
  return `postgres://postgres@localhost:5432/${encodeURIComponent(database)}?host=${encodeURIComponent(socket)}&sslmode=disable`;
}
