import { UNSERVED } from '../../lib/domain/filesystem';
import type { BackendServing } from '../../lib/ports/backend-store';
import { readCandidates } from '../../lib/store/candidates';
import { claimOne, settle, settleAll } from '../support/settle';
import { aFilesystem, aProcess, BACKEND, freshStores, type Stores, storesOver } from '../support/stores';

const ADMIN = { isAdmin: true, projectId: 'admin' };
const UP = { state: 'up', message: null } as const;
const GIGABYTE = 1n << 30n;

describe('who serves which backend', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  /** Another process over the same database. */
  const other = async <Result>(work: (over: ReturnType<typeof storesOver>) => Promise<Result>): Promise<Result> => {
    const over = storesOver(stores.url, stores.clock, { process: aProcess('process-2') });
    try {
      return await work(over);
    } finally {
      await over.database.close();
    }
  };
  const serving = async (name: string = BACKEND.name): Promise<BackendServing | undefined> =>
    (await stores.servings.servings()).find((each) => each.name === name);
  const processes = async () =>
    (await stores.database.query<{ process: string }>('select process from backend_reconcilers order by 1', [])).map(
      ({ process }) => process,
    );

  it('is told by its heartbeats, for 30 s', async () => {
    expect((await serving())?.served).toBeNull();
    await stores.backends.heartbeat(BACKEND, UP);
    expect(await serving()).toEqual({
      name: BACKEND.name,
      driver: 'in-memory',
      lacks: [],
      isUsed: false,
      heartbeat: stores.clock.now(),
      served: { ...UP, version: '0.0.0' },
    });
    stores.clock.advance(30_000);
    expect((await serving())?.served).not.toBeNull();
    stores.clock.advance(1);
    expect((await serving())?.served).toBeNull();
  });

  it('is not told by a heartbeat of the time to come, and that is forgotten', async () => {
    await other(({ backends }) => backends.heartbeat(BACKEND, UP));
    const ahead = (milliseconds: number) =>
      stores.database.query('update backend_reconcilers set heartbeat = $1', [
        new Date(stores.clock.now().getTime() + milliseconds),
      ]);
    await ahead(60_000);
    expect((await serving())?.served).not.toBeNull();
    await ahead(60_001);
    expect((await serving())?.served).toBeNull();
    const [candidate] = await readCandidates(stores.database, [BACKEND.name], stores.clock.now());
    expect(candidate?.isUp).toBe(false);
    expect((await stores.backends.heartbeat(BACKEND, UP)).isUpElsewhere).toBe(false);
    expect(await processes()).toEqual(['process-1']);
  });

  it('is told as the process has it that can do most', async () => {
    await stores.backends.heartbeat(BACKEND, { state: 'down', message: 'away' });
    expect((await serving())?.served).toMatchObject({ state: 'down', message: 'away' });
    await other(({ backends }) => backends.heartbeat(BACKEND, UP));
    expect((await serving())?.served).toMatchObject(UP);
  });

  it('tells a process whether another one can work on it', async () => {
    const isUpElsewhere = async () => (await stores.backends.heartbeat(BACKEND, UP)).isUpElsewhere;
    expect(await isUpElsewhere()).toBe(false);
    await other(({ backends }) => backends.heartbeat(BACKEND, { state: 'withdraw-only', message: null }));
    expect(await isUpElsewhere()).toBe(false);
    await other(({ backends }) => backends.heartbeat(BACKEND, UP));
    expect(await isUpElsewhere()).toBe(true);
    stores.clock.advance(30_001);
    expect(await isUpElsewhere()).toBe(false);
  });

  it('ends at once with a process that says so', async () => {
    await stores.backends.heartbeat(BACKEND, UP);
    await stores.backends.leave(BACKEND.name);
    expect((await serving())?.served).toBeNull();
  });

  it('forgets what processes told that have ended', async () => {
    await stores.backends.heartbeat(BACKEND, UP);
    stores.clock.advance(600_000);
    await other(({ backends }) => backends.heartbeat(BACKEND, UP));
    expect(await processes()).toEqual(['process-1', 'process-2']);
    stores.clock.advance(1);
    await other(({ backends }) => backends.heartbeat(BACKEND, UP));
    expect(await processes()).toEqual(['process-2']);
  });

  it('tells of backends that filesystems are on, registered or not', async () => {
    await aFilesystem(stores);
    await stores.database.query(`update filesystems set backend = 'gone'`, []);
    expect(await stores.servings.servings()).toEqual([
      expect.objectContaining({ name: BACKEND.name, isUsed: false }),
      { name: 'gone', driver: null, lacks: [], isUsed: true, heartbeat: null, served: null },
    ]);
  });

  describe('the message of access', () => {
    const message = async (name: string) => (await stores.filesystems.find(name, ADMIN))?.access.message;

    it('says that nobody serves the backend, while something waits for it', async () => {
      const { name } = await aFilesystem(stores);
      expect(await message(name)).toBe(UNSERVED);
      await stores.backends.heartbeat(BACKEND, UP);
      expect(await message(name)).toBeNull();
      stores.clock.advance(30_001);
      expect(await message(name)).toBe(UNSERVED);
      expect((await stores.filesystems.find(name, { isAdmin: false, projectId: 'demo' }))?.access.message).toBe(
        UNSERVED,
      );
      await settleAll(stores);
      expect(await message(name)).toBeNull();
    });

    it('says what failed, where it was given up', async () => {
      const { name } = await aFilesystem(stores);
      await stores.work.fail(await claimOne(stores), 'the fault');
      expect(await message(name)).toBe('the fault');
    });
  });

  describe('candidates for new filesystems', () => {
    const candidates = (...names: string[]) => readCandidates(stores.database, names, stores.clock.now());
    const tell = (free: bigint) => stores.backends.tellRoom(BACKEND.name, { totalBytes: free * 2n, freeBytes: free });

    it('are those that were ever served', async () => {
      expect(await candidates(BACKEND.name, 'never')).toEqual([
        { name: BACKEND.name, isolates: true, isUp: false, roomBytes: null },
      ]);
    });

    it('are up while a process says so', async () => {
      const isUp = async () => (await candidates(BACKEND.name))[0]?.isUp;
      await stores.backends.heartbeat(BACKEND, { state: 'withdraw-only', message: 'not mounted' });
      expect(await isUp()).toBe(false);
      await stores.backends.heartbeat(BACKEND, UP);
      expect(await isUp()).toBe(true);
      stores.clock.advance(30_001);
      expect(await isUp()).toBe(false);
    });

    it('have the room that is free and not promised', async () => {
      const room = async () => (await candidates(BACKEND.name))[0]?.roomBytes;
      const { id } = await aFilesystem(stores, { size: '4Gb' });
      await settle(stores, await claimOne(stores));
      await stores.backends.tellRoom(BACKEND.name, null);
      expect(await room()).toBeNull();
      await tell(10n * GIGABYTE);
      expect(await room()).toBe(6n * GIGABYTE);
      // what it holds is not free any more, and is promised no longer
      await stores.usage.recordUsage(BACKEND.name, new Map([[id, 3n * GIGABYTE]]));
      await tell(7n * GIGABYTE);
      expect(await room()).toBe(6n * GIGABYTE);
      // made since: in full
      stores.clock.advance(1);
      await aFilesystem(stores, { size: '5Gb' });
      await aFilesystem(stores, { size: '2Gb' });
      expect(await room()).toBe(-GIGABYTE);
      await tell(7n * GIGABYTE);
      expect(await room()).toBe(-GIGABYTE);
    });
  });

  it('lets one process at a time write the first marker, and none after that', async () => {
    const done: string[] = [];
    const mark = (name: string) => async () => {
      done.push(`${name} begins`);
      await stores.database.query('select 1', []);
      done.push(`${name} ends`);
      return true;
    };
    await Promise.all([
      stores.backends.enroll(BACKEND.name, mark('one')),
      other(({ backends }) => backends.enroll(BACKEND.name, mark('two'))),
    ]);
    expect(done).toHaveLength(2);
    await stores.backends.enroll(BACKEND.name, mark('three'));
    expect(done).toHaveLength(2);
  });

  it('writes the marker another time where it could not be written', async () => {
    const failure = Object.assign(new Error('no such folder'), { code: 'ENOENT' });
    await expect(stores.backends.enroll(BACKEND.name, () => Promise.reject(failure))).rejects.toBe(failure);
    const mark = jest.fn(() => Promise.resolve(true));
    await stores.backends.enroll(BACKEND.name, mark);
    expect(mark).toHaveBeenCalled();
  });
});
