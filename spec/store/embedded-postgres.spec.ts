import { execFileSync } from 'node:child_process';
import { mkdir, readdir, stat } from 'node:fs/promises';
import * as path from 'node:path';
import { startEmbeddedPostgres } from '../../lib/store/embedded-postgres';
import { ask, isAlive, PostgresUser, serverIsGone, serverOf, temporaryFolder, until } from '../support/postgres-users';

describe('startEmbeddedPostgres', () => {
  // Files as a first start leaves them: making them takes longer than all the rest of a test.
  let prepared: { path: string; remove: () => Promise<void> };
  let dir: string;
  let removeFolder: () => Promise<void>;
  let users: PostgresUser[];

  const aUser = (): PostgresUser => {
    const user = new PostgresUser(dir);
    users.push(user);
    return user;
  };

  beforeAll(async () => {
    prepared = await temporaryFolder();
    await (await startEmbeddedPostgres(prepared.path)).stop();
  });
  afterAll(() => prepared.remove());

  beforeEach(async () => {
    const folder = await temporaryFolder();
    dir = folder.path;
    execFileSync('cp', ['-Rp', `${prepared.path}/data`, dir]);
    removeFolder = folder.remove;
    users = [];
  });

  afterEach(async () => {
    await Promise.all(users.map((user) => user.kill()));
    await until(async () => !(await readdir(`${dir}/data`)).includes('postmaster.pid'), 'the server is gone');
    await removeFolder();
  });

  it('keeps what was written from one start to the next, and leaves nothing running', async () => {
    const first = await startEmbeddedPostgres(dir);
    const pid = serverOf(dir);
    await ask(first.url(), 'create table kept as select 42 as answer');
    await first.stop();
    expect(isAlive(pid)).toBe(false);

    const second = await startEmbeddedPostgres(dir);
    expect(await ask(second.url(), 'select answer from kept')).toEqual([42]);
    expect(second.adopted).toBe(false);
    await second.stop();
  });

  it('listens on a socket in a closed folder, and on no port', async () => {
    const user = aUser();
    const { url } = await user.says('started');
    expect(await ask(url, "select current_setting('listen_addresses')")).toEqual(['']);
    expect((await stat(`${dir}/run`)).mode & 0o077).toBe(0);
  });

  it('takes settings, and says at once what is wrong with one', async () => {
    const quick = await startEmbeddedPostgres(dir, { settings: { max_connections: '17' } });
    expect(await ask(quick.url(), "select current_setting('max_connections')")).toEqual(['17']);
    await quick.stop();
    await expect(startEmbeddedPostgres(dir, { settings: { nonsense: '1' } })).rejects.toThrow(
      'unrecognized configuration parameter "nonsense"',
    );
  });

  it('ends with a process that is killed', async () => {
    const user = aUser();
    const { url } = await user.says('started');
    const pid = serverOf(dir);
    await ask(url, 'create table kept as select 42 as answer');
    await user.kill();
    await serverIsGone(dir, pid);

    const next = await aUser().says('started');
    expect(await ask(next.url, 'select answer from kept')).toEqual([42]);
    expect(next.adopted).toBe(false);
  });

  it('recovers when it was killed together with its process', async () => {
    const user = aUser();
    const { url } = await user.says('started');
    await ask(url, 'create table kept as select 42 as answer');
    process.kill(serverOf(dir), 'SIGKILL');
    await user.kill();

    const next = await aUser().says('started');
    expect(await ask(next.url, 'select answer from kept')).toEqual([42]);
  });

  it('comes back when it is killed alone', async () => {
    const user = aUser();
    const { url } = await user.says('started');
    const before = serverOf(dir);
    process.kill(before, 'SIGKILL');
    await until(() => answers(url), 'it answers again');
    expect(serverOf(dir)).not.toBe(before);
  });

  it('does not get the Ctrl-C of our terminal: we stop first', async () => {
    const user = aUser();
    const { url } = await user.says('started');
    const pid = serverOf(dir);
    user.interrupt();
    await user.says('interrupted');
    expect(await ask(url, 'select 1')).toEqual([1]);
    expect(await user.stop()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  describe('a second process on the same folder', () => {
    it('uses the server that runs, and leaves it running', async () => {
      const owner = aUser();
      const { url } = await owner.says('started');
      const second = aUser();
      expect((await second.says('started')).adopted).toBe(true);
      expect(await second.stop()).toBe(0);
      expect(await ask(url, 'select 1')).toEqual([1]);
    });

    it.each([
      ['stops', (owner: PostgresUser) => owner.stop()],
      ['is killed', (owner: PostgresUser) => owner.kill()],
    ])('takes the server over when the first one %s', async (_, end) => {
      const owner = aUser();
      await owner.says('started');
      const second = aUser();
      const { url } = await second.says('started');
      const before = serverOf(dir);
      await end(owner);
      await until(async () => !isAlive(before) && (await answers(url)), 'the server of the second answers');

      second.interrupt();
      expect((await second.says('interrupted')).adopted).toBe(false);
      const after = serverOf(dir);
      expect(await second.stop()).toBe(0);
      expect(isAlive(after)).toBe(false);
    });
  });

  it('is made once when several start at once on an empty folder', async () => {
    dir = path.join(dir, 'empty');
    const said = await Promise.all([aUser(), aUser(), aUser()].map((user) => user.says('started')));
    expect(said.filter(({ adopted }) => !adopted)).toHaveLength(1);
    expect(await Promise.all(said.map(({ url }) => ask(url, 'select 1')))).toEqual([[1], [1], [1]]);
    expect((await readdir(dir)).filter((name) => name.startsWith('initdb-'))).toEqual([]);
  });

  it('is made anew when its making was cut short', async () => {
    dir = path.join(dir, 'empty');
    await mkdir(dir);
    const user = aUser();
    await until(async () => (await readdir(dir)).some((name) => name.startsWith('initdb-')), 'the making begins');
    await user.kill();
    expect(await readdir(dir)).not.toContain('data');

    const { url } = await aUser().says('started');
    expect(await ask(url, 'select 1')).toEqual([1]);
  });
});

async function answers(url: string): Promise<boolean> {
  return ask(url, 'select 1').then(
    () => true,
    () => false,
  );
}
