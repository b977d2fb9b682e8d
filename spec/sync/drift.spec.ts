import type { Filesystem } from '../../lib/domain/filesystem';
import { InMemoryDriver } from '../support/in-memory-driver';
import { startProcess, type TestProcess } from '../support/served-backend';
import { aFilesystem, anObservation, BACKEND, freshStores, type Stores } from '../support/stores';

const ADMIN = { isAdmin: true, projectId: 'admin' };

describe('the comparison of a backend with what it was confirmed to let in', () => {
  let stores: Stores;
  let driver: InMemoryDriver;
  let running: TestProcess | null = null;
  beforeEach(async () => {
    stores = await freshStores();
    driver = new InMemoryDriver();
  });
  afterEach(async () => {
    await running?.stop();
    running = null;
    await stores.close();
  });

  const start = (options: Parameters<typeof startProcess>[3] = {}): TestProcess => {
    running = startProcess(stores.url, stores.clock, driver, options);
    return running;
  };
  const say = (id: string, said: Parameters<typeof anObservation>[2]) => {
    stores.clock.advance(1);
    return stores.instances.apply([anObservation(stores.clock, id, said)]);
  };
  const isAtRest = async ({ id }: Pick<Filesystem, 'id'>) => {
    const [row] = await stores.database.query(
      `select from filesystems where id = $1 and next_attempt is null and leased_by is null
         and (applied_revision = desired_revision or failed)`,
      [id],
    );
    return row !== undefined;
  };
  const held = ({ id }: Filesystem) => driver.lists.get(id)?.addresses;
  /** Somebody writes into the backend by hand. */
  const tamper = ({ id }: Pick<Filesystem, 'id'>, addresses: readonly string[]) => {
    driver.lists.set(id, { revision: driver.lists.get(id)?.revision ?? 0n, addresses });
  };
  const log = async ({ id }: Filesystem) =>
    (await stores.accessLog.list(id, ADMIN, { limit: 100 })).map(
      ({ instanceId, address, granted, cause }) => `${granted ? '+' : '-'} ${address} ${instanceId} ${cause}`,
    );
  /** A filesystem that lets in 10.0.0.1 of `vm`. */
  const served = async (process: TestProcess): Promise<Filesystem> => {
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await aFilesystem(stores);
    await process.until(() => isAtRest(filesystem));
    return filesystem;
  };
  /** A process that has taken over its backend: nothing is due by itself any more. */
  const settled = async (options: Parameters<typeof startProcess>[3] = {}): Promise<TestProcess> => {
    const process = start(options);
    await process.until(async () => {
      const rows = await stores.database.query('select from backends where rebumped_to is null and fingerprint <> $1', [
        BACKEND.fingerprint,
      ]);
      return rows.length > 0;
    });
    return process;
  };

  it('takes out an address that nobody has confirmed, and puts back one that is missing', async () => {
    const process = await settled();
    const filesystem = await served(process);
    tamper(filesystem, ['10.0.0.66']);
    await process.until(async () => held(filesystem)?.join() === '10.0.0.1' && (await isAtRest(filesystem)));
    expect(await log(filesystem)).toEqual([
      '+ 10.0.0.1 vm spec vm',
      '+ 10.0.0.66 null drift',
      '- 10.0.0.1 vm drift',
      '- 10.0.0.66 null drift',
      '+ 10.0.0.1 vm drift',
    ]);
    expect(await process.metrics()).toMatch(/drift_total\{backend="default",kind="extra"\} 1\n/);
    expect(await process.metrics()).toMatch(/drift_total\{backend="default",kind="missing"\} 1\n/);
    expect(process.told('the backend lets in addresses that were never confirmed')).toMatchObject([
      { level: 'error', facts: { filesystem: filesystem.name, id: filesystem.id, found: ['10.0.0.66'] } },
    ]);
  });

  it('changes nothing where it only reports, and tells everything once', async () => {
    const process = await settled({ mode: 'report' });
    const filesystem = await served(process);
    tamper(filesystem, ['10.0.0.66', '10.0.0.0/8']);
    await process.rounds(3);
    expect(held(filesystem)).toEqual(['10.0.0.66', '10.0.0.0/8']);
    expect(await log(filesystem)).toEqual(['+ 10.0.0.1 vm spec vm', '+ 10.0.0.66 null drift', '- 10.0.0.1 vm drift']);
    for (const kind of ['extra', 'missing', 'foreign'])
      expect(await process.metrics()).toMatch(new RegExp(`drift_total\\{backend="default",kind="${kind}"\\} 1\n`));
    expect(process.log.filter(({ level }) => level === 'error')).toHaveLength(3);

    // somebody has taken it out by hand
    tamper(filesystem, []);
    await process.rounds(2);
    expect((await log(filesystem)).at(-1)).toBe('- 10.0.0.66 null drift');
  });

  it('does not look where it is switched off', async () => {
    const process = await settled({ mode: 'off' });
    const filesystem = await served(process);
    tamper(filesystem, ['10.0.0.66']);
    await process.rounds(2);
    expect(held(filesystem)).toEqual(['10.0.0.66']);
    expect(driver.calls).not.toContain('readAccess');
  });

  it('takes out names, blocks and everybody', async () => {
    const process = await settled();
    const filesystem = await served(process);
    tamper(filesystem, ['10.0.0.1', '*', 'host.example.org']);
    await process.until(async () => held(filesystem)?.join() === '10.0.0.1');
    expect(process.told('the backend lets in names, blocks or everybody')).toMatchObject([
      { facts: { found: ['*', 'host.example.org'] } },
    ]);
    expect(await log(filesystem)).toEqual(['+ 10.0.0.1 vm spec vm']);
  });

  it('raises no alarm for what a run changes while it looks', async () => {
    const process = await settled();
    const filesystem = await served(process);
    for (let number = 2; number < 8; number += 1) {
      // the list is read before the change, and compared with the entries after it
      driver.once('readAccess', 'after', async () => {
        await say('vm', { addresses: [`10.0.0.${number}`] });
        await until(async () => held(filesystem)?.join() === `10.0.0.${number}` && (await isAtRest(filesystem)));
      });
      await process.until(async () => held(filesystem)?.join() === `10.0.0.${number}`);
    }
    await process.rounds(2);
    expect(await process.metrics()).not.toContain('drift_total{');
    expect((await log(filesystem)).filter((line) => line.includes('drift'))).toEqual([]);

    async function until(look: () => Promise<boolean>): Promise<void> {
      while (!(await look())) await new Promise(setImmediate);
    }
  });

  it('raises no alarm for what stands in one of two looks alone', async () => {
    const process = await settled();
    const filesystem = await served(process);
    tamper(filesystem, ['10.0.0.66', '10.0.0.1']);
    driver.once('readAccess', 'after', () => tamper(filesystem, ['10.0.0.1']));
    await process.rounds(2);
    expect(driver.calls).toContain('readAccess');
    expect(await process.metrics()).not.toContain('drift_total{');
  });

  it('looks again at what it has passed over, when nobody works on it any more', async () => {
    const process = await settled();
    const filesystem = await served(process);
    await stores.database.query(`update filesystems set leased_by = 'somebody', next_attempt = $2 where id = $1`, [
      filesystem.id,
      new Date(stores.clock.now().getTime() + 3_600_000),
    ]);
    tamper(filesystem, ['10.0.0.66']);
    await process.rounds(1);
    expect(held(filesystem)).toEqual(['10.0.0.66']);
    expect(await process.metrics()).not.toContain('drift_total{');
    await stores.database.query('update filesystems set leased_by = null, next_attempt = null where id = $1', [
      filesystem.id,
    ]);
    await process.until(async () => held(filesystem)?.join() === '10.0.0.1');
  });

  it('compares nothing while the storage is not its own', async () => {
    const process = await settled();
    const filesystem = await served(process);
    driver.marker = 'another';
    tamper(filesystem, []);
    await process.rounds(1);
    expect(await log(filesystem)).toEqual(['+ 10.0.0.1 vm spec vm']);
    expect(process.status.state).toBe('withdraw-only');
  });

  it('goes on with the others when one cannot be read', async () => {
    const process = await settled();
    const [one, other] = [await served(process), await served(process)];
    const read = driver.readAccess.bind(driver);
    driver.readAccess = async (volume, signal) => {
      if (volume.id === one.id) throw new Error('timed out');
      return read(volume, signal);
    };
    tamper(other, ['10.0.0.66']);
    await process.until(async () => held(other)?.join() === '10.0.0.1');
    await process.until(async () => process.told('volumes not compared for now').length > 0);
  });

  it('closes a retired volume that somebody has opened', async () => {
    const process = await settled({ deletionGrace: 3_600_000 });
    const filesystem = await served(process);
    await stores.filesystems.transaction('spec', async (tx) => {
      await tx.lock(filesystem.name);
      await tx.markDeleting(filesystem.id);
    });
    await process.until(async () => driver.stored.get(filesystem.id)?.retired);
    tamper(filesystem, ['10.0.0.66']);
    await process.until(async () => held(filesystem)?.length === 0);
    await process.rounds(1);
    expect((await log(filesystem)).slice(-2)).toEqual(['+ 10.0.0.66 null drift', '- 10.0.0.66 null drift']);
    expect(driver.stored.get(filesystem.id)?.retired).toBe(true);
  });

  it('closes a retired volume whose list is later than the database, which was restored', async () => {
    const process = await settled({ deletionGrace: 3_600_000 });
    const filesystem = await served(process);
    await stores.filesystems.transaction('spec', async (tx) => {
      await tx.lock(filesystem.name);
      await tx.markDeleting(filesystem.id);
    });
    await process.until(async () => driver.stored.get(filesystem.id)?.retired);
    driver.stored.set(filesystem.id, { size: 1n << 32n, used: 0n, retired: false });
    driver.lists.set(filesystem.id, { revision: 40n, addresses: ['10.0.0.1'] });
    await process.until(async () => held(filesystem)?.length === 0);
  });

  it('takes an extra address out of a lost volume, and makes nothing in its place', async () => {
    const process = await settled();
    const filesystem = await served(process);
    driver.stored.clear();
    await say('other', { addresses: ['10.0.0.2'] });
    await process.until(
      async () => (await stores.filesystems.find(filesystem.name, ADMIN))?.filesystem.status === 'error',
    );
    tamper(filesystem, ['10.0.0.1', '10.0.0.66']);
    await process.until(async () => held(filesystem)?.join() === '10.0.0.1');
    expect(driver.stored.size).toBe(0);
  });

  it('tells the same difference once, whichever process finds it', async () => {
    const process = await settled({ mode: 'report' });
    const filesystem = await served(process);
    tamper(filesystem, ['10.0.0.1', '10.0.0.66']);
    await process.rounds(2);
    await process.stop();
    const next = start({ mode: 'report' });
    await next.rounds(2);
    expect(next.told('the backend lets in addresses that were never confirmed')).toEqual([]);
    expect((await log(filesystem)).filter((line) => line.includes('10.0.0.66'))).toHaveLength(1);
  });
});
