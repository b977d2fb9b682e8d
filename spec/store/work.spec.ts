import type { Claim } from '../../lib/ports/work-store';
import { LEASE_MILLISECONDS } from '../../lib/ports/work-store';
import { accessOf, claimOne, settle, settleAll, upTo } from '../support/settle';
import { aFilesystem, anObservation, aProcess, BACKEND, freshStores, type Stores, storesOver } from '../support/stores';

describe('the queue', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  const claim = (limit = 10) => stores.work.claim(BACKEND, upTo(limit));
  const row = async (id: string, columns: string) =>
    (await stores.database.query<Record<string, unknown>>(`select ${columns} from filesystems where id = $1`, [id]))[0];

  it('gives a filesystem to one claimer alone', async () => {
    await Promise.all(Array.from({ length: 8 }, () => aFilesystem(stores)));
    const claims = (await Promise.all(Array.from({ length: 4 }, () => claim(3)))).flat();
    expect(new Set(claims.map(({ filesystemId }) => filesystemId)).size).toBe(claims.length);
    expect(claims).toHaveLength(8);
  });

  it('gives out first what has waited longest, however long its list is', async () => {
    const { clock } = stores;
    const long = await aFilesystem(stores, { scope: 'project', owner: 'long' });
    const short = await aFilesystem(stores, { scope: 'project', owner: 'short' });
    await settleAll(stores);
    clock.advance(1);
    await stores.instances.apply([anObservation(clock, 'a', { project: 'long', addresses: ['10.0.0.1', '10.0.0.2'] })]);
    clock.advance(1);
    await stores.instances.apply([anObservation(clock, 'b', { project: 'short', addresses: ['10.0.0.3'] })]);
    clock.advance(1);
    // a change that comes later does not move it back
    await stores.instances.apply([anObservation(clock, 'c', { project: 'long', addresses: ['10.0.0.4'] })]);
    expect((await claim(1)).map(({ filesystemId }) => filesystemId)).toEqual([long.id]);
    expect((await claim(1)).map(({ filesystemId }) => filesystemId)).toEqual([short.id]);
  });

  it('raises a revision that a run may have read, and no other', async () => {
    const { clock, work } = stores;
    const { id } = await aFilesystem(stores, { scope: 'global' });
    let number = 0;
    const change = async () => {
      clock.advance(1);
      number += 1;
      await stores.instances.apply([anObservation(clock, `vm-${number}`, { addresses: [`10.0.0.${number}`] })]);
      return (await accessOf(stores, id)).revision;
    };
    // nobody has read the first one
    expect([await change(), await change()]).toEqual([1n, 1n]);
    const [claimed] = await claim(1);
    if (!claimed) throw new Error('nothing is due');
    expect([await change(), await change()]).toEqual([2n, 3n]); // it may be read at any moment
    await work.postpone(claimed, 0, 'failed');
    // whoever had it may have read the third one, and told the backend
    expect([await change(), await change()]).toEqual([4n, 4n]);
    await settleAll(stores);
    expect((await accessOf(stores, id)).confirmed).toHaveLength(number);
    expect(await change()).toBe(5n);
  });

  it('raises a revision that is unread when somebody loses access for the first time', async () => {
    const { clock } = stores;
    const { id } = await aFilesystem(stores, { scope: 'global' });
    await stores.instances.apply(
      ['a', 'b'].map((vm) => anObservation(clock, vm, { addresses: [`10.0.0.${vm === 'a' ? 1 : 2}`] })),
    );
    await settleAll(stores);
    const say = async (vm: string, said: Parameters<typeof anObservation>[2]) => {
      clock.advance(1);
      await stores.instances.apply([anObservation(clock, vm, said)]);
      return (await accessOf(stores, id)).revision;
    };
    const grants = await say('c', { addresses: ['10.0.0.3'] });
    const withdraws = await say('a', { state: 'suspended' });
    expect(withdraws).toBe(grants + 1n); // such a run goes before those that only grant
    expect(await say('b', { state: 'suspended' })).toBe(withdraws);
  });

  it('gives a filesystem out again when its lease has run out, and not before', async () => {
    await aFilesystem(stores);
    expect(await claim()).toHaveLength(1);
    stores.clock.advance(LEASE_MILLISECONDS - 1);
    expect(await claim()).toHaveLength(0);
    stores.clock.advance(1);
    expect(await claim()).toHaveLength(1);
  });

  it('keeps a lease that is renewed', async () => {
    await aFilesystem(stores);
    const held = await claimOne(stores);
    stores.clock.advance(LEASE_MILLISECONDS - 1);
    expect(await stores.work.renew([held])).toEqual(new Set([held.filesystemId]));
    stores.clock.advance(LEASE_MILLISECONDS - 1);
    expect(await claim()).toHaveLength(0);
  });

  it('refuses every write of a claim whose lease was lost', async () => {
    const { work } = stores;
    const { id, size } = await aFilesystem(stores);
    const lost = await claimOne(stores);
    const wanted = await work.wanted(lost);
    if (!wanted) throw new Error('the lease was lost too soon');
    stores.clock.advance(LEASE_MILLISECONDS);
    const present = await claimOne(stores);

    const release = { pause: 0, grantPause: 0, retryAfter: null };
    const nothing = { applied: new Set<string>(), refused: new Map<string, string>(), complete: true };
    const before = await row(id, '*');
    expect(await work.wanted(lost)).toBeNull();
    expect(await work.settleVolume(lost, { exportLocation: 'x', protocol: 'NFS', size })).toBe(false);
    expect(await work.settleAccess(lost, wanted, nothing, release)).toBe(false);
    expect(await work.settleAccess(lost, wanted, nothing, null)).toBe(false);
    expect(await work.refuseResize(lost, 'no')).toBe(false);
    expect(await work.release(lost, wanted, release)).toBe(false);
    expect(await work.settleRetired(lost, 0)).toBe(false);
    expect(await work.settlePurged(lost)).toBe(false);
    expect(await work.postpone(lost, 1, 'no')).toBe(false);
    expect(await work.park(lost, 0n, 'no')).toBe(false);
    expect(await work.overtake(lost, 9n)).toBe(false);
    expect(await work.fail(lost, 'no')).toBe(false);
    expect(await work.renew([lost])).toEqual(new Set());
    await work.giveBack([lost]);
    expect(await row(id, '*')).toEqual(before);
    expect(await settle(stores, present)).toBe(true);
  });

  it('is due again at once when the desired revision grew during the run', async () => {
    const { id } = await aFilesystem(stores);
    const held = await claimOne(stores);
    const wanted = await stores.work.wanted(held);
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] })]);
    if (!wanted) throw new Error('lease lost');
    expect(await claim()).toHaveLength(0);
    await stores.work.settleAccess(
      held,
      wanted,
      { applied: new Set(), refused: new Map(), complete: true },
      { pause: 0, grantPause: 0, retryAfter: null },
    );
    expect(await accessOf(stores, id)).toMatchObject({ due: true, confirmed: [], wanted: ['10.0.0.1 vm'] });
    expect(await claim()).toHaveLength(1);
  });

  it('keeps back-off and lease through bumps, but for a user who asks on status error', async () => {
    const { id, name } = await aFilesystem(stores);
    const { work, clock, instances } = stores;
    await work.postpone(await claimOne(stores), 60_000, 'no');
    await instances.apply([anObservation(clock, 'vm', { addresses: ['10.0.0.1'] })]);
    expect(await claim()).toHaveLength(0);

    clock.advance(60_000);
    await work.fail(await claimOne(stores), 'no');
    expect(await row(id, 'status, next_attempt')).toEqual({ status: 'error', next_attempt: null });
    await stores.filesystems.transaction('spec', async (tx) => {
      await tx.lock(name);
      await tx.retry(id);
    });
    expect(await row(id, 'status, failures')).toEqual({ status: 'creating', failures: 0 });
    expect(await claim()).toHaveLength(1);
  });

  it('claims a run that withdraws before the pause of one that grants is over', async () => {
    const { clock, instances, work } = stores;
    await aFilesystem(stores);
    const held = await claimOne(stores);
    const wanted = await work.wanted(held);
    if (!wanted) throw new Error('lease lost');
    await work.settleAccess(
      held,
      wanted,
      { applied: new Set(), refused: new Map(), complete: true },
      { pause: 100, grantPause: 5_000, retryAfter: null },
    );
    await instances.apply([anObservation(clock, 'vm', { addresses: ['10.0.0.1'] })]);
    clock.advance(100);
    expect(await claim()).toHaveLength(0);
    expect(await work.nextDue(BACKEND.name, ['short'])).toEqual(new Date(clock.now().getTime() + 4_900));
    clock.advance(1);
    await instances.apply([anObservation(clock, 'vm', { state: 'gone' })]);
    expect(await claim()).toHaveLength(1);
  });

  it('gives nothing to a process whose settings are older', async () => {
    await aFilesystem(stores);
    await stores.backends.register({ ...BACKEND, fingerprint: 'newer' }, 'in-memory', [], 'none');
    expect(await claim()).toEqual([]);
    expect(await stores.backends.heartbeat(BACKEND, { state: 'up', message: null })).toMatchObject({
      fingerprint: 'newer',
    });
    expect(await stores.work.claim({ ...BACKEND, fingerprint: 'newer' }, upTo(10))).toHaveLength(1);
  });

  it('bumps every filesystem of a backend in slices when its settings change', async () => {
    const { id } = await aFilesystem(stores);
    await settleAll(stores);
    expect(await stores.backends.rebump(BACKEND.name)).toBe(false);
    const newer = { ...BACKEND, fingerprint: 'newer' };
    await stores.backends.register(newer, 'in-memory', [], 'none');
    expect(await stores.backends.rebump(BACKEND.name)).toBe(true);
    expect(await stores.backends.rebump(BACKEND.name)).toBe(false);
    expect(await row(id, 'desired_revision - applied_revision as behind')).toEqual({ behind: '1' });
    expect(await stores.work.claim(newer, upTo(10))).toHaveLength(1);
  });

  it('takes back at once what a dead process held', async () => {
    await aFilesystem(stores);
    await claimOne(stores);
    const heir = storesOver(stores.url, stores.clock, { process: aProcess('heir', (text) => text === 'process-1') });
    expect(await heir.work.releaseDead([BACKEND.name])).toBe(1);
    expect(await heir.work.claim(BACKEND, upTo(10))).toHaveLength(1);
    expect(await stores.work.releaseDead([BACKEND.name])).toBe(0);
    await heir.database.close();
  });

  it('parks without an attempt, and wakes when the backend is back', async () => {
    const { id } = await aFilesystem(stores);
    const held = await claimOne(stores);
    await stores.work.park(held, 1n, 'not mounted');
    expect(await row(id, 'next_attempt, last_error')).toEqual({ next_attempt: null, last_error: 'not mounted' });
    await stores.work.wake(BACKEND.name, 'parked');
    expect(await claim()).toHaveLength(1);
  });

  it('leaves what backs off alone when it wakes what is parked', async () => {
    await aFilesystem(stores);
    await stores.work.postpone(await claimOne(stores), 60_000, 'no');
    await stores.work.wake(BACKEND.name, 'parked');
    expect(await claim()).toHaveLength(0);
    await stores.work.wake(BACKEND.name, 'all');
    expect(await claim()).toHaveLength(1);
  });

  it('catches up with a backend that is ahead, as after an old backup', async () => {
    const { id } = await aFilesystem(stores);
    await stores.work.overtake(await claimOne(stores), 41n);
    expect(await row(id, 'desired_revision')).toEqual({ desired_revision: '42' });
    expect(await claim()).toHaveLength(1);
  });

  it('notes no size that is not wanted any more, and has the next run confirm the volume anew', async () => {
    const { id } = await aFilesystem(stores, { size: '4Gb' });
    const held = await claimOne(stores);
    const wanted = await stores.work.wanted(held);
    if (!wanted) throw new Error('the lease is lost');
    await stores.filesystems.transaction('spec', async (tx) => {
      const attributes = { size: { bytes: 1n << 33n, text: '8Gb' }, scope: 'global', project: null } as const;
      await tx.change(id, { attributes, endConnections: false, withdraws: false });
    });
    const { size } = wanted.filesystem;
    expect(await stores.work.settleVolume(held, { exportLocation: 'x', protocol: 'NFS', size })).toBe(true);
    const settled = 'applied_size_text, volume_fingerprint';
    expect(await row(id, settled)).toEqual({ applied_size_text: null, volume_fingerprint: null });
    await stores.work.release(held, wanted, { pause: 0, grantPause: 0, retryAfter: null });
    await settleAll(stores);
    expect(await row(id, settled)).toEqual({ applied_size_text: '8Gb', volume_fingerprint: BACKEND.fingerprint });
  });

  it('does not hold a withdrawal up until refused addresses are tried again', async () => {
    const { clock, work } = stores;
    const { id, name } = await aFilesystem(stores);
    await settleAll(stores);
    const refuse = async (vm: string) => {
      clock.advance(1);
      await stores.instances.apply([anObservation(clock, vm, { addresses: ['10.0.0.1', '10.0.0.2'] })]);
      const held = await claimOne(stores);
      const wanted = await work.wanted(held);
      if (!wanted) throw new Error('the lease is lost');
      const settlement = { applied: new Set(['10.0.0.1']), refused: new Map([['10.0.0.2', 'no']]), complete: true };
      await work.settleAccess(held, wanted, settlement, { pause: 0, grantPause: 0, retryAfter: 60_000 });
      expect(await claim()).toEqual([]);
    };
    await refuse('vm');
    clock.advance(1);
    await stores.instances.apply([anObservation(clock, 'vm', { state: 'gone' })]);
    await settle(stores, await claimOne(stores));
    expect((await accessOf(stores, id)).confirmed).toEqual([]);

    await refuse('other');
    await stores.filesystems.transaction('spec', async (tx) => {
      await tx.lock(name);
      await tx.markDeleting(id);
    });
    expect(await claim()).toHaveLength(1);
  });

  it('frees the name at retirement, and forgets the row when the data is purged', async () => {
    const { id, name } = await aFilesystem(stores);
    await settleAll(stores);
    await stores.filesystems.transaction('spec', async (tx) => {
      await tx.lock(name);
      await tx.markDeleting(id);
    });
    await settleAll(stores);
    expect(await stores.filesystems.find(name, { isAdmin: true, projectId: 'x' })).toBeNull();
    await aFilesystem(stores, { name });
    const [purge, ...more] = await stores.work.claim(BACKEND, { short: 0, long: 0, purge: 10 });
    expect(more).toEqual([]);
    expect(await stores.work.settlePurged(purge as Claim)).toBe(true);
    expect(await row(id, 'id')).toBeUndefined();
  });

  it('writes every change of who is let in to the log, with its cause', async () => {
    const { clock } = stores;
    const { id } = await aFilesystem(stores);
    await stores.instances.apply([{ ...anObservation(clock, 'vm', { addresses: ['10.0.0.1'] }), cause: 'create.end' }]);
    await settleAll(stores);
    clock.advance(1);
    await stores.instances.apply([{ ...anObservation(clock, 'vm', { state: 'gone' }), cause: 'delete.start' }]);
    await settleAll(stores);
    expect(
      await stores.database.query(
        'select instance_id, host(address) as address, granted, cause from access_log where filesystem_id = $1 order by id',
        [id],
      ),
    ).toEqual([
      { instance_id: 'vm', address: '10.0.0.1', granted: true, cause: 'create.end vm' },
      { instance_id: 'vm', address: '10.0.0.1', granted: false, cause: 'delete.start vm' },
    ]);
  });
});
