import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { packageOfBinaries } from '../../lib/store/embedded-postgres-binaries';
import type { Said } from './embedded-postgres-process';

const DEADLINE_MILLISECONDS = 20_000;

/** A process that uses the embedded Postgres of a folder. */
export class PostgresUser {
  readonly #child: ChildProcess;
  readonly #said: Said[] = [];
  readonly #exit: Promise<number | null>;

  /** With `uid`: as that user, where we are root. */
  constructor(dir: string, uid?: number) {
    const program = path.join(__dirname, 'embedded-postgres-process.ts');
    this.#child = spawn(process.execPath, ['-r', path.join(__dirname, 'run-typescript.cjs'), program, dir], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // What the user's own psql is set to is nothing to us.
      env: { ...process.env, PGPORT: '1', PGSSLMODE: 'require', PGUSER: 'someone' },
      detached: true,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#exit = new Promise((resolve) => {
      this.#child.once('exit', resolve);
    });
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#said.push(JSON.parse(line) as Said));
  }

  /** Waits until it has said that. */
  async says(what: Said['what']): Promise<Said> {
    const find = (): Said | undefined => this.#said.find((said) => said.what === what || said.what === 'failed');
    await until(async () => find() !== undefined, `it says "${what}"`);
    const said = find();
    if (said?.what !== what) throw new Error(said?.message);
    return said;
  }

  /** As `kill -9`; it is gone then. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** As Ctrl-C in its terminal: all of its group gets the signal. */
  interrupt(): void {
    if (this.#child.pid) process.kill(-this.#child.pid, 'SIGINT');
  }

  /** Lets it stop in order. @returns its exit code */
  async stop(): Promise<number | null> {
    this.#child.stdin?.end();
    return this.#exit;
  }
}

/** A folder of a spec's own in that of the run: what a killed run leaves, the next one removes. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(process.env.SPEC_FOLDER ?? tmpdir(), 'pg-'));
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Waits for something that another process does. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + DEADLINE_MILLISECONDS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not so in ${DEADLINE_MILLISECONDS} ms: ${what}`);
    await delay(10);
  }
}

/** Runs one statement on a connection of its own. */
export async function ask(connectionString: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows.flatMap((row) => Object.values(row));
  } finally {
    await client.end();
  }
}

/** The pid of the server on a folder. */
export function serverOf(dir: string): number {
  return Number(readFileSync(path.join(dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** Waits until no server is on a folder: neither its pid file nor the process. */
export async function serverIsGone(dir: string, pid: number): Promise<void> {
  await until(async () => !isAlive(pid) && !existsSync(path.join(dir, 'data', 'postmaster.pid')), 'the server is gone');
}

/** Whether there is such a process; one that only waits to be reaped is none. */
export function isAlive(pid: number): boolean {
  if (existsSync(`/proc/${pid}/stat`) && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The package of binaries as npm unpacks it, without what its install script makes. */
export async function copyOfBinaries(to: string): Promise<string> {
  await mkdir(path.dirname(to), { recursive: true });
  execFileSync('cp', ['-R', packageOfBinaries(), to]);
  const links = JSON.parse(await readFile(path.join(to, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  for (const { target } of links) await rm(path.join(to, target), { force: true });
  return to;
}
