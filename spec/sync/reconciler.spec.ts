import type { Filesystem } from '../../lib/domain/filesystem';
import { TerminalError, VolumeLost } from '../../lib/ports/driver';
import { InMemoryDriver } from '../support/in-memory-driver';
import { startReconciler, type TestReconciler } from '../support/reconcilers';
import { accessOf } from '../support/settle';
import { aFilesystem, anObservation, aProcess, freshStores, type Stores } from '../support/stores';

const ADMIN = { isAdmin: true, projectId: 'admin' };

describe('the reconciler', () => {
  let stores: Stores;
  let driver: InMemoryDriver;
  const running: TestReconciler[] = [];
  beforeEach(async () => {
    stores = await freshStores();
    driver = new InMemoryDriver();
  });
  afterEach(async () => {
    await passUntil(Promise.all(running.splice(0).map((each) => each.stop())));
    await stores.close();
  });

  const start = (options: Parameters<typeof startReconciler>[3] = {}): TestReconciler => {
    const started = startReconciler(stores.url, stores.clock, driver, options);
    running.push(started);
    return started;
  };
  /** Lets everybody work until `look` finds what it looks for; time passes only when `milliseconds` says so. */
  const until = async <Found>(look: () => Promise<Found | undefined | false>, milliseconds = 0): Promise<Found> => {
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      for (const each of running) each.wake();
      stores.clock.advance(milliseconds);
      await new Promise(setImmediate);
    }
  };
  /** Lets time pass until it has happened. */
  const passUntil = async (happens: Promise<unknown>): Promise<void> => {
    let over = false;
    const end = happens.finally(() => {
      over = true;
    });
    while (!over) {
      stores.clock.advance(200);
      // so that what others ask of the database in that time is answered
      await stores.database.query('select 1', []);
    }
    await end;
  };
  const row = async <Row extends object>(id: string, columns: string): Promise<Row> => {
    const [found] = await stores.database.query<Row & Record<string, unknown>>(
      `select ${columns} from filesystems where id = $1`,
      [id],
    );
    if (!found) throw new Error('the row has gone');
    return found;
  };
  const atRest = (id: string, milliseconds = 0) =>
    until(async () => {
      const found = await row<{ rest: boolean }>(
        id,
        'applied_revision = desired_revision and next_attempt is null and leased_by is null as rest',
      );
      return found.rest;
    }, milliseconds);
  const held = ({ id }: Filesystem) => driver.lists.get(id)?.addresses;
  const say = (id: string, said: Parameters<typeof anObservation>[2]) => {
    stores.clock.advance(1);
    return stores.instances.apply([anObservation(stores.clock, id, said)]);
  };
  const show = async ({ name }: Filesystem) => {
    const view = await stores.filesystems.find(name, ADMIN);
    if (!view) throw new Error('it has gone');
    return { ...view.filesystem, access: view.access };
  };
  const remove = (filesystem: Filesystem) =>
    stores.filesystems.transaction('spec', async (tx) => {
      await tx.lock(filesystem.name);
      await tx.markDeleting(filesystem.id);
    });
  const resize = (filesystem: Filesystem, bytes: bigint) =>
    stores.filesystems.transaction('spec', async (tx) => {
      const { scope, project } = filesystem;
      const attributes = { size: { bytes, text: `${bytes / 1000n}Kb` }, scope, project };
      await tx.change(filesystem.id, { attributes, endConnections: false, withdraws: false });
    });

  it('makes the volume, lets the entitled addresses in, and takes them out again', async () => {
    start();
    await say('vm', { addresses: ['10.0.0.1', 'fd00::1'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    expect(held(filesystem)).toEqual(['10.0.0.1', 'fd00::1']);
    expect(await show(filesystem)).toMatchObject({
      status: 'available',
      exportLocation: `memory:/${filesystem.id}`,
      protocol: 'MEMORY',
      access: { entitled: 2, applied: 2, state: 'current' },
    });

    await say('vm', { state: 'gone' });
    await atRest(filesystem.id);
    expect(held(filesystem)).toEqual([]);
  });

  it('marks storage that has no marker for a backend that never had one', async () => {
    const reconciler = start();
    await until(async () => reconciler.status.state === 'up');
    expect(driver.marker).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('tries a failure again, later and later, and says so', async () => {
    start();
    driver.failOnce('syncAccess', new Error('disk full'));
    const filesystem = await aFilesystem(stores);
    await until(async () => (await row<{ failures: number }>(filesystem.id, 'failures')).failures === 1);
    expect(await show(filesystem)).toMatchObject({
      access: { state: 'error', message: expect.stringMatching(/tried again/) },
    });
    expect((await row<{ last_error: string }>(filesystem.id, 'last_error')).last_error).toMatch('disk full');
    await atRest(filesystem.id, 100);
    expect(await show(filesystem)).toMatchObject({ status: 'available', fault: null });
  });

  it('gives up what waiting does not cure, and shows why', async () => {
    start();
    driver.failOnce('ensure', new TerminalError('prjquota is not switched on'));
    const filesystem = await aFilesystem(stores);
    const shown = await until(async () => {
      const found = await show(filesystem);
      return found.status === 'error' && found;
    });
    expect(shown.fault?.message).toBe('prjquota is not switched on');
  });

  it('never gives up to take access away', async () => {
    start();
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    driver.failOnce('syncAccess', new TerminalError('no'));
    driver.failOnce('syncAccess', new TerminalError('no'));
    await say('vm', { state: 'gone' });
    await atRest(filesystem.id, 100);
    expect(held(filesystem)).toEqual([]);
  });

  it('takes access away before it finds that the volume is lost', async () => {
    start();
    await say('vm', { addresses: ['10.0.0.1'] });
    await say('other', { addresses: ['10.0.0.2'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    driver.stored.clear();
    await say('vm', { state: 'gone' });
    await say('new', { addresses: ['10.0.0.3'] });
    await until(async () => (await show(filesystem)).status === 'error');
    expect(held(filesystem)).toEqual(['10.0.0.2']);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ confirmed: ['10.0.0.2 other'] });
    expect(driver.stored.size).toBe(0);
  });

  it('takes nobody for out because another storage has no list of it', async () => {
    const reconciler = start();
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    const [marker, lists] = [driver.marker, new Map(driver.lists)];
    driver.marker = null;
    driver.lists.clear();
    stores.clock.advance(25);
    await say('vm', { state: 'gone' });
    await until(async () => reconciler.status.state === 'withdraw-only');
    await until(async () => (await row<{ parked: boolean }>(filesystem.id, 'next_attempt is null as parked')).parked);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ confirmed: ['10.0.0.1 vm'] });

    driver.marker = marker;
    for (const [id, list] of lists) driver.lists.set(id, list);
    await atRest(filesystem.id, 500);
    expect(held(filesystem)).toEqual([]);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ confirmed: [] });
  });

  it('only takes away while the storage is not its own, and goes on when it is', async () => {
    const reconciler = start();
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    const { marker } = driver;
    driver.marker = 'another';
    stores.clock.advance(25);
    await say('vm', { state: 'gone' });
    await say('new', { addresses: ['10.0.0.3'] });
    await until(async () => held(filesystem)?.length === 0);
    await until(async () => reconciler.status.state === 'withdraw-only');
    expect(reconciler.status.message).toMatch(/another deployment/);
    const created = await aFilesystem(stores);
    await until(async () => (await row<{ parked: boolean }>(created.id, 'next_attempt is null as parked')).parked);
    expect(driver.stored.has(created.id)).toBe(false);

    driver.marker = marker;
    await atRest(filesystem.id, 500);
    await atRest(created.id, 500);
    expect(held(filesystem)).toEqual(['10.0.0.3']);
  });

  it('takes a volume for lost only while the storage is its own', async () => {
    const reconciler = start();
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    const { marker } = driver;
    // unmounted between the check and the call
    driver.once('syncAccess', 'before', () => {
      driver.marker = null;
      throw new VolumeLost();
    });
    await say('vm', { addresses: ['10.0.0.1'] });
    await until(async () => reconciler.status.state === 'withdraw-only');
    driver.marker = marker;
    await atRest(filesystem.id, 500);
    expect(held(filesystem)).toEqual(['10.0.0.1']);
    expect(reconciler.outcomes).not.toContain('failed');
  });

  it('claims nothing of a backend that is down, and goes on at once when it is back', async () => {
    const reconciler = start();
    await until(async () => reconciler.status.state === 'up');
    let isDown = true;
    const check = driver.check.bind(driver);
    driver.check = async (signal) => {
      if (isDown) throw new TerminalError('exportfs is not installed');
      return check(signal);
    };
    stores.clock.advance(25);
    const filesystem = await aFilesystem(stores);
    await until(async () => reconciler.status.state === 'down');
    expect(reconciler.status.message).toBe('exportfs is not installed');
    const { length } = driver.calls;
    stores.clock.advance(60_000);
    expect(driver.calls).toHaveLength(length);
    isDown = false;
    await atRest(filesystem.id, 500);
    expect(driver.stored.has(filesystem.id)).toBe(true);
  });

  it('stops where its settings are older, says so, and leaves the work to whoever has the new ones', async () => {
    const older = start({ process: aProcess('older') });
    await until(async () => older.status.state === 'up');
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    const newer = start({ process: aProcess('newer'), fingerprint: 'newer' });
    await until(async () => older.status.state === 'outdated-settings', 500);
    await until(async () => newer.status.state === 'up');
    const { length } = older.outcomes;
    const created = await aFilesystem(stores);
    await atRest(created.id, 500);
    // and stays so, however often it looks
    for (let second = 0; second < 30; second += 1) {
      stores.clock.advance(1_000);
      await stores.database.query('select 1', []);
      expect(older.status.state).toBe('outdated-settings');
    }
    expect(older.outcomes).toHaveLength(length);
    expect(newer.outcomes).toContain('applied');
  });

  it('lets in the others when one address is refused, and tries that one again', async () => {
    start();
    driver.refusing.set('10.0.0.2', 'not on this network');
    await say('vm', { addresses: ['10.0.0.1', '10.0.0.2'] });
    const filesystem = await aFilesystem(stores);
    await until(async () => held(filesystem)?.length === 1);
    await until(async () => (await show(filesystem)).access.state === 'current');
    expect(await stores.filesystems.findInstance(filesystem, 'vm', ADMIN)).toMatchObject({
      status: 'error',
      fault: { message: 'not on this network' },
    });
    driver.refusing.clear();
    await atRest(filesystem.id, 1_000);
    expect(held(filesystem)).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  it('goes back to the size that the backend has when a smaller one is refused', async () => {
    start();
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    driver.stored.set(filesystem.id, { size: 1n << 32n, used: 2_000n, retired: false });
    await resize(filesystem, 1_000n);
    await atRest(filesystem.id);
    expect(await show(filesystem)).toMatchObject({
      status: 'available',
      size: filesystem.size,
      fault: { message: 'The volume holds 2000 bytes, more than 1Kb.' },
    });
    await resize(filesystem, 3_000n);
    await atRest(filesystem.id);
    expect(await show(filesystem)).toMatchObject({ status: 'available', size: { bytes: 3_000n }, fault: null });
    expect(driver.stored.get(filesystem.id)?.size).toBe(3_000n);
  });

  it('ends access before it retires, frees the name, and purges after the grace', async () => {
    start({ deletionGrace: 60_000 });
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    driver.failOnce('retire', new Error('busy'));
    await remove(filesystem);
    await until(async () => held(filesystem)?.length === 0);
    await until(async () => (await stores.filesystems.find(filesystem.name, ADMIN)) === null, 100);
    expect(driver.stored.get(filesystem.id)?.retired).toBe(true);
    await until(async () => driver.stored.size === 0, 1_000);
  });

  it('overtakes a backend that holds a higher revision than the database', async () => {
    start();
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    driver.lists.set(filesystem.id, { revision: 1_000n, addresses: ['10.0.0.66'] });
    await say('vm', { state: 'gone' });
    await atRest(filesystem.id);
    expect(held(filesystem)).toEqual([]);
    expect(driver.lists.get(filesystem.id)?.revision).toBeGreaterThan(1_000n);
  });

  it('leaves a list of a revision that there cannot be for later, and goes on when somebody has looked at it', async () => {
    const { outcomes } = start();
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await aFilesystem(stores);
    await atRest(filesystem.id);
    driver.lists.set(filesystem.id, { revision: 2n ** 63n - 2n, addresses: ['10.0.0.66'] });
    await say('vm', { state: 'gone' });
    await until(async () => outcomes.filter((outcome) => outcome === 'postponed').length > 1, 100);
    expect(outcomes).not.toContain('overtaken');
    driver.lists.set(filesystem.id, { revision: 0n, addresses: ['10.0.0.66'] });
    await atRest(filesystem.id, 1_000);
    expect(held(filesystem)).toEqual([]);
  });

  it('makes a run good whose lease was lost during the call of the driver', async () => {
    const slow = start();
    await say('vm', { addresses: ['10.0.0.1'] });
    let release: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      driver.once('syncAccess', 'before', () => {
        resolve();
        return new Promise((go) => {
          release = go;
        });
      });
    });
    const filesystem = await aFilesystem(stores);
    slow.wake();
    await reached;
    await stores.database.query(
      'update filesystems set lease_token = lease_token + 1, leased_by = null where id = $1',
      [filesystem.id],
    );
    release();
    await until(async () => slow.outcomes.includes('lost'));
    await atRest(filesystem.id, 1_000);
    expect(held(filesystem)).toEqual(['10.0.0.1']);
  });

  it('gives back what it works on when it stops, and no call is left running', async () => {
    const stopped = start();
    let aborted = false;
    const reached = new Promise<void>((resolve) => {
      driver.once('syncAccess', 'before', (signal) => {
        resolve();
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(signal.reason as Error);
          });
        });
      });
    });
    const { id } = await aFilesystem(stores);
    stopped.wake();
    await reached;
    running.length = 0;
    await passUntil(stopped.stop());
    expect(aborted).toBe(true);
    expect(await row(id, 'leased_by, failures')).toEqual({ leased_by: null, failures: 0 });
    start();
    await atRest(id);
  });

  it('shares the work of one database between two processes, no volume worked on by both', async () => {
    const working = new Map<string, number>();
    let most = 0;
    const sync = driver.syncAccess.bind(driver);
    driver.syncAccess = async (volume, ...call) => {
      const workers = (working.get(volume.id) ?? 0) + 1;
      working.set(volume.id, workers);
      most = Math.max(most, workers);
      await new Promise(setImmediate);
      const result = await sync(volume, ...call);
      working.set(volume.id, workers - 1);
      return result;
    };
    const both = [start({ process: aProcess('one') }), start({ process: aProcess('two') })];
    const filesystems = await Promise.all(Array.from({ length: 30 }, () => aFilesystem(stores)));
    for (let number = 1; number <= 5; number += 1) await say(`vm-${number}`, { addresses: [`10.0.0.${number}`] });
    for (const { id } of filesystems) await atRest(id, 10);
    expect(most).toBe(1);
    for (const filesystem of filesystems) expect(held(filesystem)).toHaveLength(5);
    for (const { outcomes } of both) expect(outcomes.length).toBeGreaterThan(0);
  });
});
