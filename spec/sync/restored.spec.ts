import type { Filesystem } from '../../lib/domain/filesystem';
import { adopt, bringBack } from '../../lib/sync/adopt';
import { freshDatabase } from '../support/database';
import { InMemoryDriver } from '../support/in-memory-driver';
import { startProcess, type TestProcess } from '../support/served-backend';
import { aFilesystem, anObservation, BACKEND, freshStores, type Stores, storesOver } from '../support/stores';

const ADMIN = { isAdmin: true, projectId: 'admin' };
const { signal } = new AbortController();

/** One storage backend, and a database that is set back to what it was at some time. */
describe('a database that was restored from a backup', () => {
  let present: Omit<Stores, 'close'>;
  let driver: InMemoryDriver;
  let running: TestProcess | null = null;
  let drops: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    const fresh = await freshStores();
    present = fresh;
    driver = new InMemoryDriver();
    drops = [() => fresh.close()];
  });
  afterEach(async () => {
    await stop();
    await present.database.close();
    for (const drop of drops) await drop();
  });

  const start = (options: Parameters<typeof startProcess>[3] = {}): TestProcess => {
    running = startProcess(present.url, present.clock, driver, options);
    return running;
  };
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = null;
  };
  /** @returns how to restore it */
  const dump = async (): Promise<() => Promise<void>> => {
    await stop();
    const { clock, url } = present;
    const use = async (other: string) => {
      await present.database.close();
      present = { ...storesOver(other, clock), clock };
    };
    await present.database.close();
    const copy = await freshDatabase({ template: new URL(url).pathname.slice(1) });
    drops.push(copy.drop);
    await use(url);
    return async () => {
      await stop();
      await use(copy.url);
    };
  };
  const say = (id: string, said: Parameters<typeof anObservation>[2]) => {
    present.clock.advance(1);
    return present.instances.apply([anObservation(present.clock, id, said)]);
  };
  const found = async ({ name }: Pick<Filesystem, 'name'>) => (await present.filesystems.find(name, ADMIN))?.filesystem;
  const isAtRest = async ({ id }: Pick<Filesystem, 'id'>) => {
    const [row] = await present.database.query(
      'select from filesystems where id = $1 and applied_revision = desired_revision and next_attempt is null',
      [id],
    );
    return row !== undefined;
  };
  const make = async (process: TestProcess, said: Parameters<typeof aFilesystem>[1] = {}): Promise<Filesystem> => {
    const filesystem = await aFilesystem(present, said);
    await process.until(() => isAtRest(filesystem));
    return filesystem;
  };
  const write = ({ id }: Filesystem, used: bigint) => {
    const volume = driver.stored.get(id);
    if (volume) volume.used = used;
  };
  const remove = async (process: TestProcess, filesystem: Filesystem): Promise<void> => {
    await present.filesystems.transaction('spec', async (tx) => {
      await tx.lock(filesystem.name);
      await tx.markDeleting(filesystem.id);
    });
    await process.until(async () => (await found(filesystem)) === undefined);
  };
  const resize = async (process: TestProcess, filesystem: Filesystem, text: string, bytes: bigint): Promise<void> => {
    await present.filesystems.transaction('spec', async (tx) => {
      const { scope, project } = filesystem;
      await tx.change(filesystem.id, {
        attributes: { size: { bytes, text }, scope, project },
        endConnections: false,
        withdraws: false,
      });
    });
    await process.until(() => isAtRest(filesystem));
  };
  const held = ({ id }: Pick<Filesystem, 'id'>) => driver.lists.get(id)?.addresses;
  const GB = 1n << 30n;

  it('removes and empties nothing, withdraws, lists what was made since, and adopts it', async () => {
    let process = start();
    await say('stays', { addresses: ['10.0.0.1'] });
    await say('ends', { addresses: ['10.0.0.2'] });
    const kept = await make(process);
    write(kept, 3n * GB);
    const restore = await dump();

    process = start();
    const made = await make(process, { name: 'made-since', size: '2Gb' });
    write(made, GB);
    await say('ends', { state: 'gone' });
    await say('new', { addresses: ['10.0.0.3'] });
    await process.until(async () => held(kept)?.join() === '10.0.0.1,10.0.0.3' && (await isAtRest(kept)));
    await restore();
    const stored = structuredClone([...driver.stored]);

    process = start();
    await process.until(async () => process.status.orphans === 1);
    // the directory is as old as the backup: the resync says who has ended, and who is new
    await say('ends', { state: 'gone' });
    await say('new', { addresses: ['10.0.0.3'] });
    await process.until(async () => held(kept)?.join() === '10.0.0.1,10.0.0.3' && (await isAtRest(kept)));
    await process.rounds(2);
    expect([...driver.stored]).toEqual(stored);
    expect(driver.calls).not.toContain('purge');
    expect(await found(made)).toBeUndefined();
    expect(process.told('a volume stands on the backend without a row: adopt it, or purge it')).toMatchObject([
      { facts: { id: made.id, name: 'made-since' } },
    ]);

    await adopt(BACKEND.name, made.id, {}, present.orphans, driver, signal);
    await process.until(() => isAtRest(made));
    expect(await found(made)).toMatchObject({ id: made.id, status: 'available', size: { text: '2Gb' } });
    expect(held(made)).toEqual(['10.0.0.1', '10.0.0.3']);
    expect([...driver.stored]).toEqual(stored);
    await process.until(async () => process.status.orphans === 0);
  });

  it('takes out within one round whom the backend lets in and the restored directory has never heard of', async () => {
    let process = start();
    const filesystem = await make(process);
    const restore = await dump();
    process = start();
    await say('short-lived', { addresses: ['10.0.0.9'] });
    await process.until(async () => held(filesystem)?.length === 1 && (await isAtRest(filesystem)));
    await restore();
    process = start();
    await process.until(async () => held(filesystem)?.length === 0 && (await isAtRest(filesystem)));
  });

  it('makes no empty volume in the place of one that was purged since, and frees its name by a deletion', async () => {
    let process = start();
    const filesystem = await make(process);
    const restore = await dump();
    process = start();
    await remove(process, filesystem);
    await process.until(async () => !driver.stored.has(filesystem.id));
    const again = await make(process, { name: filesystem.name });
    write(again, GB);
    await restore();

    process = start();
    await process.until(async () => (await found(filesystem))?.status === 'error');
    expect(driver.stored.has(filesystem.id)).toBe(false);
    // the name is of the lost one still
    const adoptAgain = () => adopt(BACKEND.name, again.id, {}, present.orphans, driver, signal);
    await expect(adoptAgain()).rejects.toThrow(/is taken by/);
    await remove(process, filesystem);
    await adoptAgain();
    await process.until(async () => (await found(filesystem))?.id === again.id && (await isAtRest(again)));
    expect(driver.stored.get(again.id)).toMatchObject({ used: GB, retired: false });
  });

  it('keeps what was deleted since as long as its grace lasts, and puts it back into service', async () => {
    let process = start({ deletionGrace: 3_600_000 });
    await say('vm', { addresses: ['10.0.0.1'] });
    const filesystem = await make(process);
    write(filesystem, GB);
    const restore = await dump();
    process = start({ deletionGrace: 3_600_000 });
    await remove(process, filesystem);
    await restore();

    process = start({ deletionGrace: 3_600_000 });
    await process.until(async () => (await found(filesystem))?.status === 'error');
    expect(driver.stored.get(filesystem.id)).toMatchObject({ used: GB, retired: true });
    expect(held(filesystem) ?? []).toEqual([]);
    await process.until(async () => process.status.orphans === 0);

    await bringBack(filesystem.id, present.orphans, driver, signal);
    await process.until(() => isAtRest(filesystem));
    expect(await found(filesystem)).toMatchObject({ status: 'available', fault: null });
    expect(held(filesystem)).toEqual(['10.0.0.1']);
    expect(driver.stored.get(filesystem.id)).toMatchObject({ used: GB, retired: false });
  });

  it('purges nothing that is in service again since it was deleted: it is an orphan then', async () => {
    let process = start({ deletionGrace: 60_000 });
    const filesystem = await make(process);
    write(filesystem, GB);
    await remove(process, filesystem);
    const restore = await dump();
    // restored by an administrator
    await driver.restore({ ...filesystem }, signal);
    await restore();
    present.clock.advance(3_600_000);
    process = start({ deletionGrace: 60_000 });
    await process.until(async () => process.status.orphans === 1);
    expect(driver.stored.get(filesystem.id)).toMatchObject({ used: GB, retired: false });
  });

  it('carries out the size that it says where the data fits, and keeps the data where it does not', async () => {
    let process = start();
    const [fits, full] = [await make(process, { size: '2Gb' }), await make(process, { size: '2Gb' })];
    const restore = await dump();
    process = start();
    for (const each of [fits, full]) await resize(process, each, '8Gb', 8n * GB);
    write(fits, GB);
    write(full, 5n * GB);
    await restore();

    process = start();
    await process.until(async () => driver.stored.get(fits.id)?.size === 2n * GB);
    await process.until(async () => (await found(full))?.fault !== null);
    expect(
      process.told("the backend's record of a volume is newer than the database: was an old backup restored?"),
    ).toHaveLength(2);
    expect((await found(full))?.fault?.message).toMatch(/holds 5368709120 bytes, more than 2Gb/);
    expect(driver.stored.get(full.id)).toMatchObject({ used: 5n * GB, size: 8n * GB });
    // and that is all: it is not tried again and again
    await process.until(() => isAtRest(full));
    const { length } = driver.calls.filter((call) => call === 'ensure');
    await process.rounds(2);
    expect(driver.calls.filter((call) => call === 'ensure')).toHaveLength(length);
    await resize(process, full, '8Gb', 8n * GB);
    expect(await found(full)).toMatchObject({ size: { text: '8Gb' }, fault: null });
  });

  it('does not go above a record of a revision that there cannot be', async () => {
    let process = start();
    const filesystem = await make(process);
    // the process' settings are new to the backend: a run that they bring would write the record again
    await process.until(async () => {
      const rows = await present.database.query(
        'select from backends where rebumped_to is null and fingerprint <> $1',
        [BACKEND.fingerprint],
      );
      return rows.length > 0 && (await isAtRest(filesystem));
    });
    await process.stop();
    running = null;
    const record = driver.records.get(filesystem.id);
    if (!record) throw new Error('it has no record');
    driver.records.set(filesystem.id, { ...record, revision: 10n ** 18n - 1n });
    process = start();
    const behind = "the backend's record of a volume is newer than the database: was an old backup restored?";
    await process.until(async () => process.told(behind).length > 0);
    expect((await found(filesystem))?.desiredRevision).toBeLessThan(100n);
    expect(await isAtRest(filesystem)).toBe(true);
  });

  it('goes on with a deletion that was wanted, and with a creation that was not over', async () => {
    let process = start();
    const filesystem = await make(process);
    await process.stop();
    running = null;
    await present.filesystems.transaction('spec', async (tx) => {
      await tx.lock(filesystem.name);
      await tx.markDeleting(filesystem.id);
    });
    const begun = await aFilesystem(present);
    const restore = await dump();
    process = start();
    await process.until(() => isAtRest(begun));
    write(begun, GB);
    await process.until(async () => (await found(filesystem)) === undefined);
    await restore();
    process = start();
    await process.until(() => isAtRest(begun));
    await process.until(async () => (await found(filesystem)) === undefined);
    expect(driver.stored.get(begun.id)).toMatchObject({ used: GB, retired: false });
    expect(await found(begun)).toMatchObject({ status: 'available' });
  });
});
