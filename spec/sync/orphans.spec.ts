import { randomUUID } from 'node:crypto';
import { Conflict, InvalidInput, NotFound } from '../../lib/domain/errors';
import type { Filesystem } from '../../lib/domain/filesystem';
import type { VolumeRecord } from '../../lib/ports/driver';
import { type AdoptionWish, adopt } from '../../lib/sync/adopt';
import { recreate } from '../../lib/sync/recreate';
import { InMemoryDriver } from '../support/in-memory-driver';
import { INTERVAL, startProcess, type TestProcess } from '../support/served-backend';
import { aFilesystem, anObservation, BACKEND, freshStores, type Stores } from '../support/stores';

const ADMIN = { isAdmin: true, projectId: 'admin' };
const ALARM = 'a volume stands on the backend without a row: adopt it, or purge it';
const { signal } = new AbortController();

describe('volumes and rows that have lost each other', () => {
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
  /** Stands on the backend, and no row has it. */
  const anOrphan = ({
    retired = false,
    addresses = [] as readonly string[],
    revision = 7n,
    record = {},
  }: {
    retired?: boolean;
    addresses?: readonly string[];
    revision?: bigint;
    record?: Partial<VolumeRecord> | null;
  } = {}): string => {
    const id = randomUUID();
    driver.stored.set(id, { size: 1n << 32n, used: 1_000n, retired });
    driver.lists.set(id, { revision, addresses });
    if (record)
      driver.records.set(id, {
        name: 'lost-and-found',
        owner: 'demo',
        scope: 'global',
        project: null,
        size: '4Gb',
        revision: 3n,
        ...record,
      });
    return id;
  };
  const held = (id: string) => driver.lists.get(id)?.addresses;
  const found = async (name: string): Promise<Filesystem | undefined> =>
    (await stores.filesystems.find(name, ADMIN))?.filesystem;
  const adoptNow = (id: string, wish: AdoptionWish = {}) =>
    adopt(BACKEND.name, id, wish, stores.orphans, driver, signal);
  const row = async (id: string, columns: string) =>
    (await stores.database.query<Record<string, unknown>>(`select ${columns} from filesystems where id = $1`, [id]))[0];
  const isAtRest = async (id: string) =>
    (await row(id, 'applied_revision = desired_revision and next_attempt is null as rest'))?.rest === true;
  const lose = async (process: TestProcess): Promise<Filesystem> => {
    const filesystem = await aFilesystem(stores);
    await process.until(() => isAtRest(filesystem.id));
    driver.stored.delete(filesystem.id);
    await process.until(async () => (await found(filesystem.name))?.status === 'error');
    return filesystem;
  };

  describe('an orphan', () => {
    it('is an alarm once, a gauge and a detail, and nothing of it is touched', async () => {
      const [id, retired] = [anOrphan(), anOrphan({ retired: true })];
      const before = structuredClone([driver.stored.get(id), driver.stored.get(retired), driver.records.get(id)]);
      const process = start();
      expect(process.status.orphans).toBeNull();
      await process.rounds(3);
      expect(new Set(process.told(ALARM).map(({ facts }) => facts.id))).toEqual(new Set([id, retired]));
      expect(process.told(ALARM)).toHaveLength(2);
      expect(process.told(ALARM)[0]).toMatchObject({
        level: 'error',
        facts: { name: 'lost-and-found', owner: 'demo' },
      });
      expect(await process.metrics()).toContain('shared_filesystem_orphans{backend="default"} 2\n');
      expect(process.status.orphans).toBe(2);
      expect([driver.stored.get(id), driver.stored.get(retired), driver.records.get(id)]).toEqual(before);
      expect(driver.calls.filter((call) => ['ensure', 'retire', 'purge', 'restore'].includes(call))).toEqual([]);
    });

    it('lets in live instances alone, whatever its list says', async () => {
      await say('live', { addresses: ['10.0.0.1'] });
      await say('gone', { addresses: ['10.0.0.2'] });
      await say('gone', { state: 'gone' });
      const id = anOrphan({ addresses: ['10.0.0.1', '10.0.0.2', '10.0.0.3', '*'] });
      const retired = anOrphan({ retired: true, addresses: ['10.0.0.1'] });
      const process = start();
      await process.until(async () => held(id)?.length === 1 && held(retired)?.length === 0);
      expect(held(id)).toEqual(['10.0.0.1']);
      // the list is no newer than it was: whoever adopts it goes above
      expect(driver.lists.get(id)?.revision).toBe(7n);
      expect(process.told('list of an orphan cut')).toHaveLength(2);
    });

    it('is closed to a host whose name looks like an address', async () => {
      await say('vm', { addresses: ['10.0.0.1'] });
      const id = anOrphan({ addresses: ['10.0.0.1', 'cafe.be'] });
      const process = start();
      await process.until(async () => held(id)?.join() === '10.0.0.1');
      expect(process.told('list of an orphan not cut')).toEqual([]);
    });

    it('of a project lets in no instance of another one that has the address now', async () => {
      await say('mine', { project: 'demo', addresses: ['10.0.0.1', '10.0.0.4'] });
      await say('other', { project: 'other', addresses: ['10.0.0.2', '10.0.0.4'] });
      const id = anOrphan({
        addresses: ['10.0.0.1', '10.0.0.2', '10.0.0.4'],
        record: { scope: 'project', project: 'demo' },
      });
      await start().until(async () => held(id)?.length === 1);
      expect(held(id)).toEqual(['10.0.0.1']);
    });

    it('of scope instance lets in its owner’s instances alone, since its connections are lost', async () => {
      await say('mine', { project: 'demo', addresses: ['10.0.0.1', '10.0.0.4'] });
      await say('other', { project: 'other', addresses: ['10.0.0.2', '10.0.0.4'] });
      const id = anOrphan({
        addresses: ['10.0.0.1', '10.0.0.2', '10.0.0.4'],
        record: { scope: 'instance', owner: 'demo' },
      });
      await start().until(async () => held(id)?.length === 1);
      expect(held(id)).toEqual(['10.0.0.1']);
    });

    it.each<[string, Partial<VolumeRecord> | null]>([
      ['without a record', null],
      ['whose record cannot be read', { owner: '../..' }],
    ])('%s lets in nobody: it may be anybody’s', async (_, record) => {
      await say('vm', { addresses: ['10.0.0.1'] });
      const id = anOrphan({ addresses: ['10.0.0.1'], record });
      await start().until(async () => held(id)?.length === 0);
      expect(driver.stored.get(id)).toMatchObject({ used: 1_000n });
    });

    it('has its list cut though its record has a number that the backend cannot have', async () => {
      Object.assign(driver.capabilities, { largestNumber: 65_535 });
      const id = anOrphan({ addresses: ['10.0.0.9'], record: { number: 700_000 } });
      await start().until(async () => held(id)?.length === 0);
    });

    it('is told at once, and keeps its list until the directory of instances is of now', async () => {
      let isOfNow = false;
      // made since the backup, which does not know it
      const id = anOrphan({ addresses: ['10.0.0.1', '10.0.0.9'] });
      const retired = anOrphan({ retired: true, addresses: ['10.0.0.1'] });
      const process = start({ mayBegin: async () => isOfNow });
      await process.until(async () => process.told(ALARM).length === 2 && held(retired)?.length === 0);
      await process.rounds(0.5);
      expect(held(id)).toEqual(['10.0.0.1', '10.0.0.9']);
      await say('vm', { addresses: ['10.0.0.1'] });
      isOfNow = true;
      const since = stores.clock.monotonic();
      await process.until(async () => held(id)?.length === 1);
      expect(held(id)).toEqual(['10.0.0.1']);
      expect(stores.clock.monotonic() - since).toBeLessThan(INTERVAL / 10);
      expect(process.told(ALARM)).toHaveLength(2);
    });

    it('keeps its list for an interval at most where Compute does not answer', async () => {
      const id = anOrphan({ addresses: ['10.0.0.9'] });
      const begun = stores.clock.monotonic();
      await start({ mayBegin: async () => Promise.reject(new Error('no answer')) }).until(
        async () => held(id)?.length === 0,
      );
      const waited = stores.clock.monotonic() - begun;
      expect(waited).toBeGreaterThanOrEqual(INTERVAL);
      expect(waited).toBeLessThan(INTERVAL * 1.1);
    });

    it('is none while it is being made or purged', async () => {
      const process = start();
      await process.until(async () => process.status.orphans === 0);
      // listed before its row was looked for, and purged in between
      const purged = anOrphan({ retired: true });
      driver.once('volumes', 'after', () => {
        driver.stored.delete(purged);
      });
      const made = await aFilesystem(stores);
      await process.until(() => isAtRest(made.id));
      await process.rounds(2);
      expect(process.told(ALARM)).toEqual([]);
      expect(await process.metrics()).toContain('shared_filesystem_orphans{backend="default"} 0\n');
    });

    it('is not looked for on storage that is not the backend’s own', async () => {
      const process = start();
      await process.until(async () => process.status.orphans === 0);
      driver.marker = 'another';
      anOrphan();
      await process.rounds(2);
      expect(process.told(ALARM)).toEqual([]);
      expect(process.status).toMatchObject({ state: 'withdraw-only', orphans: 0 });
    });
  });

  describe('adopt', () => {
    it('makes the row from the record, above the revision of the backend, with what is in it', async () => {
      await say('vm', { addresses: ['10.0.0.1'] });
      const id = anOrphan({ addresses: ['10.0.0.9'], revision: 41n });
      await adoptNow(id);
      const process = start();
      await process.until(() => isAtRest(id));
      expect(await found('lost-and-found')).toMatchObject({
        id,
        owner: 'demo',
        scope: 'global',
        status: 'available',
        size: { text: '4Gb' },
        exportLocation: `memory:/${id}`,
        desiredRevision: expect.any(BigInt),
      });
      expect(held(id)).toEqual(['10.0.0.1']);
      expect(driver.lists.get(id)?.revision).toBeGreaterThan(41n);
      expect(driver.stored.get(id)).toMatchObject({ used: 1_000n, retired: false });
      await process.until(async () => process.status.orphans === 0);
      expect(process.log.filter(({ level }) => level === 'error')).toEqual([]);
    });

    it('leaves a retired one retired, and never purges it by itself', async () => {
      const id = anOrphan({ retired: true, addresses: ['10.0.0.9'] });
      await adoptNow(id);
      expect(held(id)).toEqual([]);
      expect(await row(id, 'retired is not null as retired, deletion_wanted is not null as deleted, status')).toEqual({
        retired: true,
        deleted: true,
        status: 'deleting',
      });
      await start().rounds(2);
      expect(driver.stored.get(id)).toMatchObject({ used: 1_000n, retired: true });
      expect(await found('lost-and-found')).toBeUndefined();
    });

    it('refuses a name that is taken, and says how to go on', async () => {
      const { id: other } = await aFilesystem(stores, { name: 'lost-and-found' });
      const id = anOrphan();
      await expect(adoptNow(id)).rejects.toThrow(
        new Conflict(
          `The name "lost-and-found" is taken by ${other}: give another one with --name, or delete that one first where it is the one that is lost.`,
        ),
      );
      expect(await row(id, '1')).toBeUndefined();
      await adoptNow(id, { name: 'found' });
      expect(await found('found')).toMatchObject({ id });
    });

    it('takes what the record does not say from the operator', async () => {
      const id = anOrphan({ record: null });
      await expect(adoptNow(id)).rejects.toThrow(InvalidInput);
      await expect(adoptNow(id, { name: 'a', owner: 'b', scope: 'everybody', size: '1Gb' })).rejects.toThrow(
        'is no scope',
      );
      await adoptNow(id, { name: 'a', owner: 'b', scope: 'project', size: '8Gb' });
      expect(await found('a')).toMatchObject({ id, owner: 'b', project: 'b', size: { text: '8Gb' } });
    });

    it.each<[string, Partial<VolumeRecord>]>([
      ['a name that is none', { name: '../../etc' }],
      ['a scope that is none', { scope: 'everybody' }],
      ['a size that is none', { size: 'much' }],
      ['a project that is none', { scope: 'project', project: 'a/b' }],
      ['an owner that is none', { owner: '' }],
    ])('believes no record with %s', async (_, record) => {
      await expect(adoptNow(anOrphan({ record }))).rejects.toThrow(/record cannot be read/);
    });

    it('refuses a revision that there cannot be', async () => {
      const id = anOrphan({ revision: 9_223_372_036_854_775_806n });
      await expect(adoptNow(id)).rejects.toThrow(
        /holds revision 9223372036854775806 of .*, which it cannot have come to/,
      );
      expect(await row(id, 'id')).toBeUndefined();
    });

    it('refuses what stands nowhere, and what has a row', async () => {
      await expect(adoptNow(randomUUID())).rejects.toThrow(NotFound);
      const id = anOrphan();
      await adoptNow(id);
      await expect(adoptNow(id)).rejects.toThrow(/has a row already: filesystem "lost-and-found"/);
    });

    it('keeps the number that the volume has, and refuses one that is another’s', async () => {
      const numbered = new InMemoryDriver();
      Object.assign(numbered.capabilities, { largestNumber: 65_535 });
      driver = numbered;
      const [id, same] = [
        anOrphan({ record: { number: 17 } }),
        anOrphan({ record: { number: 17, name: 'same-number' } }),
      ];
      await adoptNow(id);
      expect(await row(id, 'number')).toEqual({ number: 17 });
      await expect(adoptNow(same)).rejects.toThrow(/Number 17 of .* is that of filesystem "lost-and-found"/);
    });

    it('refuses a number that the backend cannot have, and changes nothing', async () => {
      Object.assign(driver.capabilities, { largestNumber: 65_535 });
      const id = anOrphan({ addresses: ['10.0.0.9'], record: { number: 700_000 } });
      await expect(adoptNow(id)).rejects.toThrow(
        /says number 700000, and backend "default" has none above 65535: adopt it where .* take it out\.$/,
      );
      expect([await row(id, '1'), held(id)]).toEqual([undefined, ['10.0.0.9']]);
      const record = driver.records.get(id);
      if (record) driver.records.set(id, { ...record, number: null });
      await adoptNow(id);
      expect(await row(id, 'number')).toEqual({ number: null });
    });

    it('makes one row when two do it at once', async () => {
      const id = anOrphan();
      const results = await Promise.allSettled([adoptNow(id), adoptNow(id), adoptNow(id)]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });

  describe('a lost volume', () => {
    it('is found though nothing changes, and nothing is made in its place', async () => {
      const process = start();
      const filesystem = await lose(process);
      expect((await found(filesystem.name))?.fault?.message).toMatch(/not on its backend any more/);
      await process.rounds(2);
      expect(driver.stored.size).toBe(0);
      // once found it is not run again and again
      expect(process.told('reconcile failed until something changes')).toHaveLength(1);
    });

    it('is not what is not there for a moment', async () => {
      const process = start();
      const filesystem = await aFilesystem(stores);
      // its settings are new to the backend, which may raise the revision once more
      await process.rounds(1);
      await process.until(() => isAtRest(filesystem.id));
      const { desired_revision: before } = (await row(filesystem.id, 'desired_revision')) ?? {};
      driver.once('volumes', 'before', () => {
        const volume = driver.stored.get(filesystem.id);
        driver.stored.clear();
        driver.once('volumes', 'after', () => {
          if (volume) driver.stored.set(filesystem.id, volume);
        });
      });
      await process.rounds(1);
      expect((await row(filesystem.id, 'desired_revision'))?.desired_revision).toBe(before);
    });

    it('is made anew, empty, when an operator allows it, and not again', async () => {
      const process = start();
      await say('vm', { addresses: ['10.0.0.1'] });
      const filesystem = await lose(process);
      await recreate(filesystem.id, stores.orphans, driver, signal);
      expect((await found(filesystem.name))?.status).toBe('creating');
      await process.until(() => isAtRest(filesystem.id));
      expect(await found(filesystem.name)).toMatchObject({ status: 'available', fault: null });
      expect(driver.stored.get(filesystem.id)).toMatchObject({ used: 0n });
      expect(held(filesystem.id)).toEqual(['10.0.0.1']);
      await expect(recreate(filesystem.id, stores.orphans, driver, signal)).rejects.toThrow(/No run has found/);
    });

    it('is made anew only where nothing of it is there', async () => {
      const process = start();
      const filesystem = await lose(process);
      driver.stored.set(filesystem.id, { size: 1n << 32n, used: 5n, retired: true });
      await expect(recreate(filesystem.id, stores.orphans, driver, signal)).rejects.toThrow(/is set aside/);
      driver.stored.set(filesystem.id, { size: 1n << 32n, used: 5n, retired: false });
      await expect(recreate(filesystem.id, stores.orphans, driver, signal)).rejects.toThrow(/is on its backend/);
      await expect(recreate(randomUUID(), stores.orphans, driver, signal)).rejects.toThrow(NotFound);
    });

    it('is deleted as any other: its name is free, and its row goes', async () => {
      const process = start();
      const filesystem = await lose(process);
      await stores.filesystems.transaction('spec', async (tx) => {
        await tx.lock(filesystem.name);
        await tx.markDeleting(filesystem.id);
      });
      await process.until(async () => (await row(filesystem.id, '1')) === undefined);
      await aFilesystem(stores, { name: filesystem.name });
    });
  });
});
