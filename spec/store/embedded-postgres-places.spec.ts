import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { startEmbeddedPostgres } from '../../lib/store/embedded-postgres';
import { packageOfBinaries, reachableBinaries } from '../../lib/store/embedded-postgres-binaries';
import { ask, copyOfBinaries, serverOf, temporaryFolder } from '../support/postgres-users';

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

  describe('the binaries', () => {
    it('get the links that an install script would have made', async () => {
      const copy = await copyOfBinaries(path.join(base, 'package'));
      const { native, major } = await reachableBinaries(copy, [], {});
      expect(execFileSync(path.join(native, 'bin', 'postgres'), ['--version'], { encoding: 'utf8' })).toContain(
        `) ${major}.`,
      );
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
