import type { Claim } from '../../lib/ports/work-store';
import { Database } from '../../lib/store/database';
import { migrate, migrateDown } from '../../lib/store/migrate';
import { MIGRATIONS } from '../../lib/store/migrations';
import { claimPurges, restore, retire } from '../support/deletion';
import { accessOf, claimOne, settle, settleAll, upTo } from '../support/settle';
import { aFilesystem, anObservation, BACKEND, freshStores, type Stores, storesOver } from '../support/stores';

describe('what is deleted', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  const row = async (id: string, columns: string) =>
    (await stores.database.query(`select ${columns} from filesystems where id = $1`, [id]))[0];
  const onePurge = async (): Promise<Claim> => {
    const [claim, ...more] = await claimPurges(stores);
    if (!claim || more.length > 0) throw new Error('expected one purge to be due');
    return claim;
  };
  const purgeNow = (id: string) => stores.deleted.transaction('spec', (tx) => tx.purge(id));

  it('stands with its times until it is destroyed', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    expect(await stores.deleted.find(filesystem.id)).toBeNull();
    await retire(stores, filesystem);
    const found = await stores.deleted.find(filesystem.id);
    expect(found).toMatchObject({ retired: stores.clock.now(), purgeAfter: stores.clock.now(), isPurging: false });
    const purge = await onePurge();
    expect(await stores.work.beginPurge(purge)).toBe(true);
    expect(await stores.deleted.find(filesystem.id)).toMatchObject({ isPurging: true, isLeased: true });
    expect(await stores.work.settlePurged(purge)).toBe(true);
    expect(await stores.deleted.find(filesystem.id)).toBeNull();
  });

  it('comes back with size, scope and project, in service, due, and without what was confirmed of it', async () => {
    const filesystem = await aFilesystem(stores, { scope: 'project', owner: 'p1', size: '9Gb' });
    await settleAll(stores);
    await retire(stores, filesystem);
    stores.clock.advance(1_000);
    expect(await restore(stores, filesystem.id)).toMatchObject({
      id: filesystem.id,
      name: filesystem.name,
      scope: 'project',
      project: 'p1',
      size: filesystem.size,
      status: 'creating',
      deletionWanted: false,
      attributesRevision: filesystem.attributesRevision + 1n,
      updated: stores.clock.now(),
    });
    const claim = await claimOne(stores);
    expect(await stores.work.wanted(claim)).toMatchObject({ restoring: true, retired: false, volumeConfirmed: false });
    expect(await stores.work.settleRestored(claim)).toBe(true);
    expect(await row(filesystem.id, 'status, restoring')).toEqual({ status: 'available', restoring: false });
  });

  it('has no connections when it comes back, and is bumped again by what concerns it', async () => {
    const filesystem = await aFilesystem(stores, { scope: 'instance' });
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] })]);
    const connect = () =>
      stores.filesystems.transaction('spec', (tx) =>
        tx.connect(filesystem.id, 'vm', { userId: null, projectId: 'demo' }),
      );
    await connect();
    await settleAll(stores);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ confirmed: ['10.0.0.1 vm'] });
    await retire(stores, filesystem);
    await restore(stores, filesystem.id);
    await settleAll(stores);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ wanted: [], confirmed: [], due: false });
    await connect();
    await settleAll(stores);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ confirmed: ['10.0.0.1 vm'], due: false });
  });

  it('does not come back while a run has it, and a run that was overtaken begins no purge', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    const claim = await onePurge();
    expect(await restore(stores, filesystem.id)).toBeNull();
    await stores.work.park(claim, 99n, 'not mounted');
    expect(await restore(stores, filesystem.id)).not.toBeNull();
    expect(await stores.work.beginPurge(claim)).toBe(false);
    expect(await stores.work.settlePurged(claim)).toBe(false);
    expect(await row(filesystem.id, 'retired, purging')).toEqual({ retired: null, purging: null });
  });

  it('does not come back once its purge has begun, whatever became of that run', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    const claim = await onePurge();
    await stores.work.beginPurge(claim);
    await stores.work.postpone(claim, 60_000, 'busy');
    expect(await restore(stores, filesystem.id)).toBeNull();
    await expect(
      stores.deleted.transaction('spec', (tx) => tx.restore(filesystem.id, filesystem.name)),
    ).rejects.toThrow('went while its row was held');
  });

  it('is claimed by nobody while a request decides about it', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    await stores.deleted.transaction('spec', async (tx) => {
      await tx.lock(filesystem.id);
      expect(await claimPurges(stores)).toEqual([]);
      await tx.restore(filesystem.id, filesystem.name);
    });
    expect(await claimPurges(stores)).toEqual([]);
    expect(await stores.work.claim(BACKEND, upTo(1))).toHaveLength(1);
  });

  it('gives a name to one alone of those that come back with it at once, or are made with it', async () => {
    const other = storesOver(stores.url, stores.clock);
    const both = [await aFilesystem(stores, { name: 'one' }), await aFilesystem(stores, { name: 'two' })];
    await settleAll(stores);
    for (const each of both) await retire(stores, each);
    const create = async () => {
      const attributes = { size: { bytes: 1n, text: '1Kb' }, scope: 'global', project: null } as const;
      return stores.filesystems.transaction('spec', async (tx) =>
        (await tx.lock('wanted')) ? null : tx.create({ name: 'wanted', owner: 'demo', attributes }),
      );
    };
    const got = await Promise.all([
      restore(stores, both[0]?.id ?? '', 'wanted'),
      restore(other, both[1]?.id ?? '', 'wanted'),
      create(),
    ]);
    await other.database.close();
    expect(got.filter((each) => each !== null)).toHaveLength(1);
  });

  it('is due at once when it is to be destroyed now, and not sooner when that is said again', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    await stores.work.park(await onePurge(), 99n, 'not mounted');
    expect(await claimPurges(stores)).toEqual([]);
    await purgeNow(filesystem.id);
    expect(await stores.deleted.find(filesystem.id)).toMatchObject({ isPurging: true });
    const claim = await onePurge();
    await purgeNow(filesystem.id);
    expect(await stores.work.renew([claim])).toEqual(new Set([filesystem.id]));
    expect(await stores.work.settlePurged(claim)).toBe(true);
  });

  it('is tried again after it had failed for good', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    await stores.work.fail(await onePurge(), 'Something else stands there.');
    expect(await stores.deleted.find(filesystem.id)).toMatchObject({
      filesystem: { status: 'error', fault: { message: 'Something else stands there.' } },
    });
    await purgeNow(filesystem.id);
    expect(await stores.deleted.find(filesystem.id)).toMatchObject({ filesystem: { status: 'deleting', fault: null } });
    await onePurge();
  });

  describe('that was adopted', () => {
    const id = 'ad0b7ed0-0000-4000-8000-000000000001';
    beforeEach(async () => {
      await aFilesystem(stores);
      await settleAll(stores);
      const size = { bytes: 1n << 32n, text: '4Gb' };
      await stores.orphans.adopt({
        id,
        backend: BACKEND.name,
        name: 'found',
        owner: 'demo',
        scope: 'global',
        project: null,
        size,
        number: null,
        revision: 41n,
        retired: true,
      });
    });

    it('has no time at which it is destroyed, and is due for nobody', async () => {
      expect(await stores.deleted.find(id)).toMatchObject({ purgeAfter: null, isPurging: false });
      await stores.work.wake(BACKEND.name, 'all');
      stores.clock.advance(1_000_000_000);
      expect(await claimPurges(stores)).toEqual([]);
      expect(await row(id, 'next_attempt')).toEqual({ next_attempt: null });
    });

    it('is destroyed when that is said', async () => {
      await purgeNow(id);
      const purge = await onePurge();
      expect(purge.filesystemId).toBe(id);
      expect(await stores.work.beginPurge(purge)).toBe(true);
      expect(await stores.work.settlePurged(purge)).toBe(true);
      expect(await stores.deleted.find(id)).toBeNull();
    });

    it('comes back, due at once, above the revision that its backend has', async () => {
      expect(await restore(stores, id)).toMatchObject({ id, name: 'found', status: 'creating', deletionWanted: false });
      const claim = await claimOne(stores);
      expect(claim.filesystemId).toBe(id);
      const wanted = await stores.work.wanted(claim);
      expect(wanted).toMatchObject({ restoring: true, retired: false });
      expect(wanted?.filesystem.desiredRevision).toBeGreaterThan(41n);
      expect(await stores.work.settleRestored(claim)).toBe(true);
      expect(await row(id, 'status')).toEqual({ status: 'available' });
    });

    it('has one again once it was restored and deleted', async () => {
      await restore(stores, id);
      await retire(stores, { id, name: 'found' });
      expect(await stores.deleted.find(id)).toMatchObject({ purgeAfter: stores.clock.now() });
      await onePurge();
    });
  });

  it('has the time of the queue where an older program has retired it', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    await stores.database.query(`update filesystems set purge_after = null where id = $1`, [filesystem.id]);
    expect(await stores.deleted.find(filesystem.id)).toMatchObject({ purgeAfter: stores.clock.now() });
  });

  it('may be deleted again before it is back', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    await restore(stores, filesystem.id);
    await retire(stores, filesystem);
    expect(await row(filesystem.id, 'restoring, retired is not null as retired')).toEqual({
      restoring: false,
      retired: true,
    });
  });

  it('was deleted by an older program too: whose purge had begun does not come back', async () => {
    const [waits, begun, failed] = [await aFilesystem(stores), await aFilesystem(stores), await aFilesystem(stores)];
    await settleAll(stores);
    for (const each of [waits, begun, failed]) await retire(stores, each);
    const database = new Database({ connectionString: stores.url });
    // back to where purges were not written down, and ahead again
    const later = MIGRATIONS.slice(MIGRATIONS.findIndex(({ name }) => name === '0005-deleted-filesystems'));
    for (const _ of later) await migrateDown(database);
    const set = (id: string, assignments: string) =>
      database.query(`update filesystems set ${assignments} where id = $1`, [id]);
    await set(begun.id, `leased_by = 'an older one'`);
    await set(failed.id, 'failures = 1');
    await migrate(database);
    await database.close();
    expect(await restore(stores, begun.id)).toBeNull();
    expect(await restore(stores, failed.id)).toBeNull();
    expect(await stores.deleted.find(waits.id)).toMatchObject({ purgeAfter: stores.clock.now() });
    expect(await restore(stores, waits.id)).toMatchObject({ status: 'creating' });
  });

  it('counts nothing while it is deleted, and settles as any other when it is back', async () => {
    const filesystem = await aFilesystem(stores);
    await settleAll(stores);
    await retire(stores, filesystem);
    const counted = () => stores.usage.usageDue(BACKEND.name, new Date('2030-01-01'), 10);
    expect(await counted()).toEqual([]);
    await restore(stores, filesystem.id);
    const claim = await claimOne(stores);
    expect(await settle(stores, claim)).toBe(true);
    expect(await counted()).toEqual([filesystem.id]);
  });
});
