import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Binaries } from './embedded-postgres-binaries';
import type { ServerFolder } from './embedded-postgres-folder';
import { removeStaleLocks, serverPid } from './embedded-postgres-locks';
import { launch, type Server } from './embedded-postgres-server';

/** Cures itself: another process's server is starting or stopping on the same files, or backends of a killed one still end. */
const PASSING = /lock file "[^"]*" already exists|shared memory block/;
const PAUSE_MILLISECONDS = 20;
const AGAIN_MILLISECONDS = 1_000;

/** An idle connection, by which the end of the server is noticed. */
interface Hold {
  readonly ended: Promise<void>;
  release(): Promise<void>;
}

/** Sees to it that a server answers: another process's or its own. */
export class Keeper {
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

  /** True while the server in use is another process's. */
  get adopted(): boolean {
    return this.#server === null;
  }

  /** @throws Error when none answers in time, with what Postgres says */
  async start(timeoutMilliseconds: number): Promise<void> {
    try {
      this.#hold = await this.#reach(AbortSignal.timeout(timeoutMilliseconds));
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#keeping = this.#keep(this.#hold);
  }

  /** Stops the server if it is ours, and closes the folder. */
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
        this.#hold = null;
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
      await removeStaleLocks(this.#folder);
      this.#server = await launch(this.#folder, this.#binaries, this.#settings);
      return null;
    }
    if (!server.hasEnded()) return null;
    this.#server = null;
    // One that has been of use was killed: that is no reason against another.
    return this.#hold === null ? server.output() : null;
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

/** The connection string of a database on the server of a folder. */
export function urlOf({ socket }: ServerFolder, database: string): string {
  // The port, since pg would else take PGPORT; `localhost`, since a URL without a host is none for knex; sslmode for PGSSLMODE.
  return `postgres://postgres@localhost:5432/${encodeURIComponent(database)}?host=${encodeURIComponent(socket)}&sslmode=disable`;
}
