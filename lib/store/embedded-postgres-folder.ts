import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { type Account, type Binaries, unprivilegedAccount } from './embedded-postgres-binaries';

const run = promisify(execFile);

/** The longest address of a Unix socket on all platforms is 103 bytes (104 on macOS, 108 on Linux, with a final zero). */
const LONGEST_SOCKET = 103;
const UNFINISHED = 'initdb-';

/** Where a server keeps its things, and who it runs as. */
export interface ServerFolder {
  readonly dir: string;
  readonly data: string;
  /** The folder of its socket, which is in `dir/run`: by a short way where that is too long for a socket. */
  readonly socket: string;
  readonly account: Account;
  /** Call it when no more connections are wanted. */
  close(): Promise<void>;
}

/** What the server's programs see of the environment: nothing that could change what they do. */
export const ENVIRONMENT = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

/**
 * How a program that was started in `folder` names it: by its path, but where root gives up its privileges on Linux by way
 * of its working directory, which it keeps although it may not enter the folders above (a project below /root).
 */
export function nameFromWithin(folder: string, account: Account): string {
  return account.uid !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : folder;
}

/**
 * Makes the folders of a server. Data that is there already is used as its owner, so that root can start what an ordinary
 * user made.
 * @throws Error when the folder belongs to somebody else
 */
export async function prepareFolder(dir: string): Promise<ServerFolder> {
  const data = path.join(dir, 'data');
  const sockets = path.join(dir, 'run');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  let account = await unprivilegedAccount();
  if (account.uid !== undefined) {
    const owner = await stat(data).catch(() => null);
    if (owner && owner.uid !== 0) account = { uid: owner.uid, gid: owner.gid };
    // The server's account must come through to its own folders; these are closed to all others.
    if ((await stat(dir)).uid === 0) await chmod(dir, 0o711);
  }
  try {
    await mkdir(sockets, { recursive: true, mode: 0o700 });
    await own(sockets, account);
    await readdir(sockets);
  } catch (cause) {
    throw new Error(`${dir} belongs to another user: start as that user, or set DATA_DIR to a folder of your own.`, {
      cause,
    });
  }
  return { dir, data, account, ...(await shortWayTo(sockets)) };
}

/**
 * Makes the database's files where there are none. Several may do so at once, and each may be killed: they are made
 * elsewhere, and whoever renames first wins.
 * @throws Error when the files are of another major version of Postgres
 */
export async function initialise(folder: ServerFolder, binaries: Binaries, sync: boolean): Promise<void> {
  if ((await majorOf(folder.data)) === null) {
    const part = await mkdtemp(path.join(folder.dir, UNFINISHED));
    try {
      await own(part, folder.account);
      await initdb(part, folder.account, binaries, sync);
      await rename(part, folder.data);
    } catch (cause) {
      await rm(part, { recursive: true, force: true }).catch(() => undefined);
      if ((await majorOf(folder.data)) === null)
        throw new Error(`Postgres could not make its files in ${folder.dir}.`, { cause });
    }
  }
  const major = await majorOf(folder.data);
  if (major !== binaries.major)
    throw new Error(
      `${folder.data} was made by Postgres ${major}, and this program brings ${binaries.major}: dump it with the program that made it, and restore it into an empty folder (DATA_DIR), or set DATABASE_URL.`,
    );
  // Of those that were killed, and of those that lost: nobody needs them now.
  for (const name of await readdir(folder.dir))
    if (name.startsWith(UNFINISHED))
      await rm(path.join(folder.dir, name), { recursive: true, force: true }).catch(() => undefined);
}

async function initdb(folder: string, account: Account, { native }: Binaries, sync: boolean): Promise<void> {
  const cluster = [
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--no-locale',
    '--wal-segsize=1',
    '--no-instructions',
  ];
  // syncfs: one call, where a call for each of 1,000 files takes seconds on a busy disk.
  const durable = process.platform === 'linux' ? ['--sync-method=syncfs'] : [];
  await run(
    path.join(native, 'bin', 'initdb'),
    ['-D', nameFromWithin(folder, account), ...cluster, ...(sync ? durable : ['--no-sync'])],
    { ...account, cwd: folder, env: ENVIRONMENT },
  );
}

async function majorOf(data: string): Promise<string | null> {
  const text = await readFile(path.join(data, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(`${data} belongs to another user: start as that user, or set DATA_DIR to a folder of your own.`, {
      cause: error,
    });
  });
  return text === null ? null : text.trim();
}

async function own(folder: string, { uid, gid }: Account): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
}

/**
 * The folder itself, or an open descriptor of it where its path is too long for a socket's address: that holds as long as
 * this process lives, and nobody can put something else in its place, as in a temporary folder.
 */
async function shortWayTo(sockets: string): Promise<{ socket: string; close(): Promise<void> }> {
  if (Buffer.byteLength(path.join(sockets, '.s.PGSQL.5432')) <= LONGEST_SOCKET)
    return { socket: sockets, close: async () => undefined };
  if (process.platform !== 'linux')
    throw new Error(`${sockets} is too long for a Unix socket: set DATA_DIR to a shorter path.`);
  const handle = await open(sockets);
  return { socket: `/proc/${process.pid}/fd/${handle.fd}`, close: () => handle.close() };
}
