import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import * as path from 'node:path';
import { startEmbeddedPostgres } from '../../lib/store/embedded-postgres';
import { reachableBinaries, unprivilegedAccount } from '../../lib/store/embedded-postgres-binaries';
import { ask, copyOfBinaries, PostgresUser, serverOf, temporaryFolder } from '../support/postgres-users';

const SOMEBODY = 54_321;
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

describeAsRoot('startEmbeddedPostgres, where root may start processes of others', () => {
  let base: string;
  let removeFolder: () => Promise<void>;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    base = folder.path;
    removeFolder = folder.remove;
  });

  afterEach(() => removeFolder());

  it('works for root below a folder that only root may enter', async () => {
    await mkdir(path.join(base, 'closed'), { mode: 0o700 });
    const dir = path.join(base, 'closed', 'data', 'postgres');
    const postgres = await startEmbeddedPostgres(dir);
    expect(await ask(postgres.url(), "select count(*)::int from pg_timezone_names where name = 'UTC'")).toEqual([1]);
    expect((await stat(`/proc/${serverOf(dir)}`)).uid).not.toBe(0);
    await postgres.stop();
  });

  it('works for an ordinary user, and for root on the files of that user', async () => {
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

  it('tells an ordinary user that the files are not theirs', async () => {
    const root = await startEmbeddedPostgres(base);
    await root.stop();
    const user = new PostgresUser(base, SOMEBODY);
    await expect(user.says('started')).rejects.toThrow(/belongs to another user: start as that user, or set DATA_DIR/);
    await user.stop();
  });

  it('copies the binaries to where the account of the server can reach them', async () => {
    const closed = path.join(base, 'closed');
    const copy = await copyOfBinaries(path.join(closed, 'package'));
    await chmod(closed, 0o700);
    await chmod(base, 0o755);
    const account = await unprivilegedAccount();
    await expect(reachableBinaries(copy, [closed], account)).rejects.toThrow(/do not run .*DATABASE_URL/);
    const open = path.join(base, 'open');
    const { native } = await reachableBinaries(copy, [closed, open], account);
    expect(native.startsWith(open)).toBe(true);
    expect((await reachableBinaries(copy, [closed, open], account)).native).toBe(native);
  });
});
