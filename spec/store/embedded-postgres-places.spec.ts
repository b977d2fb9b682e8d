import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, chown, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { startEmbeddedPostgres } from '../../lib/store/embedded-postgres';
import { packageOfBinaries, reachableBinaries, unprivilegedAccount } from '../../lib/store/embedded-postgres-binaries';
import { ask, PostgresUser, serverOf, temporaryFolder } from '../support/postgres-users';

const SOMEBODY = 54_321;
const asRoot = process.getuid?.() === 0 ? it : it.skip;

describe('startEmbeddedPostgres', () => {
  let base: string;
  let removeFolder: () => Promise<void>;
  const started: ChildProcess[] = [];

  beforeEach(async () => {
    const folder = await temporaryFolder();
    base = folder.path;
    removeFolder = folder.remove;
  });

  afterEach(async () => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    await removeFolder();
  });

  it('starts although the pid in its lock files is another process by now', async () => {
    const dir = path.join(base, 'postgres');
    const first = await startEmbeddedPostgres(dir);
    const { uid, gid } = await stat(path.join(dir, 'data'));
    const locks = await readLocks(dir);
    await first.stop();
    const other = spawn('sleep', ['600'], process.getuid?.() === 0 ? { uid, gid } : {});
    started.push(other);
    for (const [file, text] of locks) {
      await writeFile(file, text.replace(/^\d+/, String(other.pid)));
      await chown(file, uid, gid);
    }

    const second = await startEmbeddedPostgres(dir);
    expect(await ask(second.url(), 'select 1')).toEqual([1]);
    expect(serverOf(dir)).not.toBe(other.pid);
    await second.stop();
  });

  it('works in a folder whose path is too long for a socket', async () => {
    const postgres = await startEmbeddedPostgres(path.join(base, 'x'.repeat(120)));
    expect(await ask(postgres.url(), 'select 1')).toEqual([1]);
    await postgres.stop();
  });

  it('leaves the files of another major version alone, and says what to do', async () => {
    await mkdir(path.join(base, 'data'));
    await writeFile(path.join(base, 'data', 'PG_VERSION'), '17\n');
    await expect(startEmbeddedPostgres(base)).rejects.toThrow(
      /made by Postgres 17, and this program brings 18: dump it/,
    );
    expect(await readFile(path.join(base, 'data', 'PG_VERSION'), 'utf8')).toBe('17\n');
  });

  it('says so when the folder cannot be made', async () => {
    await writeFile(path.join(base, 'file'), '');
    await expect(startEmbeddedPostgres(path.join(base, 'file'))).rejects.toThrow(/EEXIST|ENOTDIR/);
  });

  asRoot('works for root below a folder that only root may enter', async () => {
    await mkdir(path.join(base, 'closed'), { mode: 0o700 });
    const postgres = await startEmbeddedPostgres(path.join(base, 'closed', 'data', 'postgres'));
    expect(await ask(postgres.url(), "select count(*)::int from pg_timezone_names where name = 'UTC'")).toEqual([1]);
    expect((await stat(`/proc/${serverOf(path.join(base, 'closed', 'data', 'postgres'))}`)).uid).not.toBe(0);
    await postgres.stop();
  });

  asRoot('works for an ordinary user, and for root on the files of that user', async () => {
    const account = Number(execFileSync('id', ['-u', 'nobody'])); // initdb wants one with a name
    await chown(base, account, account);
    const user = new PostgresUser(base, account);
    const { url } = await user.says('started');
    await ask(url, 'create table kept as select 42 as answer');
    expect(await user.stop()).toBe(0);

    const root = await startEmbeddedPostgres(base);
    expect(await ask(root.url(), 'select answer from kept')).toEqual([42]);
    expect((await stat(path.join(base, 'data'))).uid).toBe(account);
    await root.stop();
  });

  asRoot('tells an ordinary user that the files are not theirs', async () => {
    const root = await startEmbeddedPostgres(base);
    await root.stop();
    const user = new PostgresUser(base, SOMEBODY);
    await expect(user.says('started')).rejects.toThrow(/belongs to another user: start as that user, or set DATA_DIR/);
    await user.stop();
  });

  describe('the binaries', () => {
    it('get the links that an install script would have made', async () => {
      const copy = await copyOfPackage(path.join(base, 'package'));
      const { native, major } = await reachableBinaries(copy, [], {});
      expect(execFileSync(path.join(native, 'bin', 'postgres'), ['--version'], { encoding: 'utf8' })).toContain(
        `) ${major}.`,
      );
    });

    asRoot('are copied to where the account of the server can reach them', async () => {
      const closed = path.join(base, 'closed');
      const copy = await copyOfPackage(path.join(closed, 'package'));
      await chmod(closed, 0o700);
      await chmod(base, 0o755);
      const account = await unprivilegedAccount();
      await expect(reachableBinaries(copy, [closed], account)).rejects.toThrow(/do not run .*DATABASE_URL/);
      const open = path.join(base, 'open');
      const { native } = await reachableBinaries(copy, [closed, open], account);
      expect(native.startsWith(open)).toBe(true);
      expect((await reachableBinaries(copy, [closed, open], account)).native).toBe(native);
    });

    it.each([
      ['freebsd', 'x64'],
      ['linux', 'riscv64'],
      ['win32', 'x64'],
    ])('are not there for %s-%s: it says to set DATABASE_URL', (platform, architecture) => {
      expect(() => packageOfBinaries(platform, architecture)).toThrow(/set DATABASE_URL to a Postgres of your own/);
    });

    it('that do not run, say why', async () => {
      const broken = path.join(base, 'broken');
      await mkdir(path.join(broken, 'native', 'bin'), { recursive: true });
      await writeFile(path.join(broken, 'package.json'), '{"version":"18.4.0"}');
      // What a program for another C library looks like: the file is there, its loader is not.
      await writeFile(path.join(broken, 'native', 'bin', 'postgres'), '#!/lib/ld-absent.so\n', { mode: 0o755 });
      await expect(reachableBinaries(broken, [], {})).rejects.toThrow(/glibc 2.27 or newer.*set DATABASE_URL/);
    });
  });
});

async function readLocks(dir: string): Promise<[string, string][]> {
  const files = [path.join(dir, 'data', 'postmaster.pid'), path.join(dir, 'run', '.s.PGSQL.5432.lock')];
  return Promise.all(files.map(async (file): Promise<[string, string]> => [file, await readFile(file, 'utf8')]));
}

/** As npm unpacks it, without what its install script makes. */
async function copyOfPackage(to: string): Promise<string> {
  await cp(packageOfBinaries(), to, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(await readFile(path.join(to, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  for (const { target } of links) await rm(path.join(to, target), { force: true });
  return to;
}
