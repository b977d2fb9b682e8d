import type { Filesystem } from '../../lib/domain/filesystem';
import { VolumeLost } from '../../lib/ports/driver';
import { remove, restore } from '../support/deletion';
import { InMemoryDriver } from '../support/in-memory-driver';
import { startReconciler, type TestReconciler } from '../support/reconcilers';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

const ADMIN = { isAdmin: true, projectId: 'admin' };
const HOUR = 3_600_000;

describe('a deleted filesystem', () => {
  let stores: Stores;
  let driver: InMemoryDriver;
  const running: TestReconciler[] = [];
  beforeEach(async () => {
    stores = await freshStores();
    driver = new InMemoryDriver();
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] })]);
  });
  afterEach(async () => {
    await passUntil(Promise.all(running.splice(0).map((each) => each.stop())));
    await stores.close();
  });

  const start = (deletionGrace = HOUR): TestReconciler => {
    const started = startReconciler(stores.url, stores.clock, driver, { deletionGrace });
    running.push(started);
    return started;
  };
  const until = async (look: () => Promise<boolean> | boolean, milliseconds = 0): Promise<void> => {
    while (!(await look())) {
      for (const each of running) each.wake();
      stores.clock.advance(milliseconds);
      await new Promise(setImmediate);
    }
  };
  const passUntil = async (happens: Promise<unknown>): Promise<void> => {
    let over = false;
    const end = happens.finally(() => {
      over = true;
    });
    while (!over) {
      stores.clock.advance(200);
      await stores.database.query('select 1', []);
    }
    await end;
  };
  const facts = async <Row extends object>(id: string, columns: string): Promise<Row | undefined> =>
    (
      await stores.database.query<Row & Record<string, unknown>>(`select ${columns} from filesystems where id = $1`, [
        id,
      ])
    )[0];
  const is = async (id: string, condition: string) =>
    (await facts<{ so: boolean }>(id, `(${condition}) as so`))?.so === true;
  const atRest = (id: string, milliseconds = 0) =>
    until(
      () => is(id, 'applied_revision = desired_revision and next_attempt is null and leased_by is null'),
      milliseconds,
    );
  const hasGone = async (id: string) => (await facts(id, 'id')) === undefined;
  const purgeNow = (id: string) => stores.deleted.transaction('spec', (tx) => tx.purge(id));
  const volume = ({ id }: Filesystem) => driver.stored.get(id);
  const held = ({ id }: Filesystem) => driver.lists.get(id)?.addresses;
  /** One with data, that is retired. */
  const aRetired = async (): Promise<Filesystem> => {
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    driver.stored.set(filesystem.id, { size: filesystem.size.bytes, used: 77n, retired: false });
    await remove(stores, filesystem);
    await until(() => is(filesystem.id, 'retired is not null'));
    return filesystem;
  };
  const isWhole = (filesystem: Filesystem) => expect(volume(filesystem)).toMatchObject({ used: 77n, retired: false });

  it('is put back before anybody is let in', async () => {
    start();
    const filesystem = await aRetired();
    driver.calls.length = 0;
    await restore(stores, filesystem.id, 'renamed');
    await atRest(filesystem.id);
    isWhole(filesystem);
    expect(held(filesystem)).toEqual(['10.0.0.1']);
    const work = driver.calls.filter((each) => ['restore', 'syncAccess', 'ensure'].includes(each));
    expect(work).toEqual(['restore', 'syncAccess', 'ensure']);
    expect(driver.records.get(filesystem.id)?.name).toBe('renamed');
    expect(await stores.filesystems.find('renamed', ADMIN)).toMatchObject({
      filesystem: { status: 'available', exportLocation: `memory:/${filesystem.id}` },
      access: { applied: 1, state: 'current' },
    });
    // and not a second time
    await stores.instances.apply([anObservation(stores.clock, 'other', { addresses: ['10.0.0.2'] })]);
    await until(() => held(filesystem)?.length === 2);
    expect(driver.calls.filter((each) => each === 'restore')).toHaveLength(1);
  });

  it('is creating, and lets nobody in, while its volume cannot be put back yet', async () => {
    start();
    const filesystem = await aRetired();
    driver.failOnce('restore', new Error('busy'));
    await restore(stores, filesystem.id);
    await until(() => is(filesystem.id, 'failures > 0'));
    expect(await facts(filesystem.id, 'status, restoring')).toEqual({ status: 'creating', restoring: true });
    expect(held(filesystem)).toBeUndefined();
    await atRest(filesystem.id, 1_000);
    isWhole(filesystem);
  });

  it('fails when its volume is lost: nothing is made in its place, and a retry finds it when it is there', async () => {
    start();
    const filesystem = await aRetired();
    const lost = volume(filesystem);
    driver.stored.delete(filesystem.id);
    await restore(stores, filesystem.id);
    await until(() => is(filesystem.id, 'failed'));
    const { fault } = (await stores.filesystems.find(filesystem.name, ADMIN))?.filesystem ?? {};
    expect(fault?.message).toBe(new VolumeLost().message);
    expect(driver.stored.size).toBe(0);
    expect(held(filesystem)).toBeUndefined();

    if (lost) driver.stored.set(filesystem.id, lost);
    await stores.filesystems.transaction('spec', (tx) => tx.retry(filesystem.id));
    await atRest(filesystem.id);
    isWhole(filesystem);
  });

  it('that never had a volume is made when it comes back', async () => {
    start();
    driver.failOnce('ensure', new Error('full'));
    const filesystem = await aFilesystem(stores);
    await until(() => is(filesystem.id, 'failures > 0'));
    await remove(stores, filesystem);
    await until(() => is(filesystem.id, 'retired is not null'), 1_000);
    await restore(stores, filesystem.id);
    await atRest(filesystem.id);
    expect(volume(filesystem)).toMatchObject({ retired: false });
    expect(held(filesystem)).toEqual(['10.0.0.1']);
  });

  it('whose volume was made, and nobody knew, gets that one when it comes back', async () => {
    start();
    driver.once('ensure', 'after', () => {
      throw new Error('the answer was lost');
    });
    const filesystem = await aFilesystem(stores);
    await until(() => is(filesystem.id, 'failures > 0'));
    await remove(stores, filesystem);
    await until(() => is(filesystem.id, 'retired is not null'), 1_000);
    expect(volume(filesystem)).toMatchObject({ retired: true });
    await restore(stores, filesystem.id);
    await atRest(filesystem.id);
    expect(volume(filesystem)).toMatchObject({ retired: false });
  });

  it('is set aside again when it is deleted again before it was back', async () => {
    start();
    const filesystem = await aRetired();
    driver.failOnce('restore', new Error('busy'));
    await restore(stores, filesystem.id);
    await until(() => is(filesystem.id, 'failures > 0'));
    await remove(stores, filesystem);
    await until(() => is(filesystem.id, 'retired is not null'), 1_000);
    expect(volume(filesystem)).toMatchObject({ used: 77n, retired: true });
  });

  it('is destroyed when its time has come, and not before', async () => {
    start();
    const filesystem = await aRetired();
    stores.clock.advance(HOUR - 1_000);
    await until(async () => (await stores.work.nextDue('default', ['purge'])) !== null);
    for (const each of running) each.wake();
    expect(await facts(filesystem.id, 'purging')).toEqual({ purging: null });
    expect(volume(filesystem)).toMatchObject({ used: 77n });
    await until(() => hasGone(filesystem.id), 500);
    expect(driver.stored.size).toBe(0);
  });

  it('is destroyed at once when that is asked for', async () => {
    start();
    const filesystem = await aRetired();
    await purgeNow(filesystem.id);
    await until(() => hasGone(filesystem.id));
    expect(driver.stored.size).toBe(0);
  });

  it('is said to be destroyed before its driver is called', async () => {
    start();
    const filesystem = await aRetired();
    let said: unknown;
    driver.once('purge', 'before', async () => {
      said = await facts(filesystem.id, 'purging is not null as purging');
    });
    stores.clock.advance(HOUR);
    await until(() => hasGone(filesystem.id));
    expect(said).toEqual({ purging: true });
  });

  it('is destroyed under a lease that is renewed for as long as it takes, beside everything else', async () => {
    const reconciler = start();
    const filesystem = await aRetired();
    let finish = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      driver.once('purge', 'before', () => {
        resolve();
        return new Promise((done) => {
          finish = done;
        });
      });
    });
    await purgeNow(filesystem.id);
    reconciler.wake();
    await begun;
    const token = await facts(filesystem.id, 'lease_token');
    // many times as long as a lease
    const end = stores.clock.now().getTime() + 60_000;
    while (stores.clock.now().getTime() < end) {
      stores.clock.advance(1_000);
      // renewed every 3 s of its 10
      const renewed = new Date(stores.clock.now().getTime() + 6_000).toISOString();
      await until(() => is(filesystem.id, `next_attempt > '${renewed}'`));
    }
    expect(await facts(filesystem.id, 'lease_token')).toEqual(token);
    const other = await aFilesystem(stores);
    await atRest(other.id);
    expect(held(other)).toEqual(['10.0.0.1']);
    expect(await restore(stores, filesystem.id)).toBeNull();
    finish();
    await until(() => hasGone(filesystem.id));
  });

  describe('whose process is killed', () => {
    /** The process never comes back from that call, and another one takes over when its lease has run out. */
    const killAt = (method: 'restore' | 'purge' | 'retire' | 'ensure', when: 'before' | 'after') => {
      const reached = new Promise<void>((resolve) => {
        driver.once(method, when, (signal) => {
          resolve();
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        });
      });
      return { reached };
    };
    const whenKilled = async ({ reached }: { reached: Promise<void> }): Promise<void> => {
      for (const each of running) each.wake();
      await reached;
      // its lease is another's from now on
      await stores.database.query(
        'update filesystems set next_attempt = $1, lease_token = lease_token + 1, leased_by = null where leased_by is not null',
        [stores.clock.now()],
      );
      start();
    };

    it.each([
      ['restore', 'before'],
      ['restore', 'after'],
      ['ensure', 'before'],
      ['ensure', 'after'],
    ] as const)('in the middle of a restore (%s, %s) comes back all the same', async (method, when) => {
      start();
      const filesystem = await aRetired();
      const kill = killAt(method, when);
      await restore(stores, filesystem.id);
      await whenKilled(kill);
      await atRest(filesystem.id, 100);
      isWhole(filesystem);
      expect(held(filesystem)).toEqual(['10.0.0.1']);
      expect(await facts(filesystem.id, 'status')).toEqual({ status: 'available' });
    });

    it.each(['before', 'after'] as const)(
      'in the middle of a purge (%s) goes on, and has no way back',
      async (when) => {
        start();
        const filesystem = await aRetired();
        const kill = killAt('purge', when);
        stores.clock.advance(HOUR);
        await whenKilled(kill);
        expect(await restore(stores, filesystem.id)).toBeNull();
        await until(() => hasGone(filesystem.id), 100);
        expect(driver.stored.size).toBe(0);
      },
    );

    it.each(['before', 'after'] as const)(
      'in the middle of the retirement (%s) can be restored after it',
      async (when) => {
        start();
        const filesystem = await aFilesystem(stores);
        await atRest(filesystem.id);
        const kill = killAt('retire', when);
        await remove(stores, filesystem);
        await whenKilled(kill);
        await until(() => is(filesystem.id, 'retired is not null'), 100);
        await restore(stores, filesystem.id);
        await atRest(filesystem.id, 100);
        expect(volume(filesystem)).toMatchObject({ retired: false });
        expect(held(filesystem)).toEqual(['10.0.0.1']);
      },
    );
  });
});
