import { accessOf, settleAll } from '../support/settle';
import { aFilesystem, anAddress, anObservation, freshStores, type Stores } from '../support/stores';

describe('the instance directory', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  /** Says it a moment later than everything before. */
  const say = (id: string, said: Parameters<typeof anObservation>[2]) => {
    stores.clock.advance(1);
    return stores.instances.apply([anObservation(stores.clock, id, said)]);
  };

  it('bumps the filesystems that an instance concerns, and no other', async () => {
    const global = await aFilesystem(stores, { scope: 'global' });
    const own = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await aFilesystem(stores, { scope: 'project', owner: 'p2' });
    await aFilesystem(stores, { scope: 'instance', owner: 'p1' });
    expect(new Set(await say('vm', { project: 'p1', addresses: ['10.0.0.1'] }))).toEqual(new Set([global.id, own.id]));
  });

  it.each([
    ['it is said again', ['10.0.0.1', '10.0.0.2']],
    ['its list comes in another order', ['10.0.0.2', '10.0.0.1']],
    ['its addresses are not told', undefined],
    ['an address that never counts appears', ['10.0.0.1', '10.0.0.2', '127.0.0.1']],
  ])('bumps nothing when %s', async (_, addresses) => {
    await aFilesystem(stores);
    await say('vm', { addresses: ['10.0.0.1', '10.0.0.2'] });
    expect(await say('vm', addresses ? { addresses } : {})).toEqual([]);
  });

  it('bumps the filesystems of both projects when an instance moves', async () => {
    const before = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    const after = await aFilesystem(stores, { scope: 'project', owner: 'p2' });
    await say('vm', { project: 'p1', addresses: ['10.0.0.1'] });
    expect(new Set(await say('vm', { project: 'p2' }))).toEqual(new Set([before.id, after.id]));
  });

  it('bumps the filesystems of everybody who claims an address that appears', async () => {
    const theirs = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await say('vm', { project: 'p1', addresses: ['10.0.0.1'] });
    expect(await say('thief', { project: 'p2', addresses: ['10.0.0.1'] })).toEqual([theirs.id]);
  });

  it('bumps when the network of an address becomes known', async () => {
    const { id } = await aFilesystem(stores);
    await say('vm', { addresses: ['10.0.0.1'] });
    expect(await say('vm', { addresses: [{ ...anAddress('10.0.0.1'), network: 'net' }] })).toEqual([id]);
  });

  it('ends the connections of an instance that is gone, and keeps those of a suspended one', async () => {
    const filesystem = await aFilesystem(stores, { scope: 'instance' });
    await say('vm', { addresses: ['10.0.0.1'] });
    await stores.filesystems.transaction('spec', (tx) =>
      tx.connect(filesystem.id, 'vm', { userId: null, projectId: 'demo' }),
    );
    await settleAll(stores);
    await say('vm', { state: 'suspended' });
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ wanted: [], confirmed: ['10.0.0.1 vm'] });
    await say('vm', { state: 'live', source: 'host' });
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ wanted: ['10.0.0.1 vm'] });
    await say('vm', { state: 'gone' });
    await say('vm', { state: 'live', source: 'host', addresses: ['10.0.0.1'] });
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ wanted: [] });
  });

  it('lets a late message bring nothing back', async () => {
    const { id } = await aFilesystem(stores);
    const late = anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] });
    await say('vm', { state: 'gone' });
    await stores.instances.apply([late]);
    expect(await accessOf(stores, id)).toMatchObject({ wanted: [] });
  });

  it('stores a batch whole or not at all', async () => {
    const wrong = { ...anObservation(stores.clock, 'b', { addresses: ['10.0.0.2'] }), instanceId: 'no id/at all' };
    const good = anObservation(stores.clock, 'a', { addresses: ['10.0.0.1'] });
    await expect(stores.instances.apply([good, wrong])).rejects.toThrow();
    expect(await stores.database.query('select id from instances', [])).toEqual([]);
  });

  it('forgets who is gone for a day, but not whom a backend may still let in', async () => {
    await aFilesystem(stores);
    await say('entered', { addresses: ['10.0.0.1'] });
    await say('never', {});
    await settleAll(stores);
    await say('entered', { state: 'gone' });
    await say('never', { state: 'gone' });
    stores.clock.advance(1);
    expect(await stores.instances.prune(stores.clock.now())).toBe(1);
    expect(await stores.database.query('select id from instances', [])).toEqual([{ id: 'entered' }]);
    await settleAll(stores);
    expect(await stores.instances.prune(stores.clock.now())).toBe(1);
  });

  describe('what a host waits for', () => {
    const target = async (id: string, said: Parameters<typeof anObservation>[2]) => {
      stores.clock.advance(1);
      return stores.instances.applyAndTarget([anObservation(stores.clock, id, { source: 'host', ...said })]);
    };
    const unconfirmed = async (targets: Awaited<ReturnType<typeof target>>, ...ended: readonly string[]) =>
      (await stores.instances.unconfirmed(targets, ended)).map(({ name }) => name);

    it('is what the backend does not have yet', async () => {
      const { name } = await aFilesystem(stores);
      const targets = await target('vm', { addresses: ['10.0.0.1'] });
      expect(await unconfirmed(targets)).toEqual([name]);
      await settleAll(stores);
      expect(await unconfirmed(targets)).toEqual([]);
      // what others change later is not waited for
      await say('other', { addresses: ['10.0.0.2'] });
      expect(await unconfirmed(targets)).toEqual([]);
    });

    it.each<['project' | 'global' | 'instance']>([['project'], ['global'], ['instance']])(
      'of an end is the same when it is said again, scope %s',
      async (scope) => {
        const { id, name } = await aFilesystem(stores, { scope, owner: 'demo' });
        await say('vm', { addresses: ['10.0.0.1'] });
        if (scope === 'instance')
          await stores.filesystems.transaction('spec', (tx) =>
            tx.connect(id, 'vm', { userId: null, projectId: 'demo' }),
          );
        await settleAll(stores);
        await say('vm', { state: 'suspended' });
        for (let again = 0; again < 3; again += 1)
          expect(await unconfirmed(await target('vm', { state: 'gone' }), 'vm')).toEqual([name]);
        await settleAll(stores);
        expect(await unconfirmed(await target('vm', { state: 'gone' }), 'vm')).toEqual([]);
      },
    );

    it('of an end that is old news never comes: the instance is let in', async () => {
      const { name } = await aFilesystem(stores);
      await say('vm', { addresses: ['10.0.0.1'], source: 'compute' });
      await settleAll(stores);
      const time = new Date(stores.clock.now().getTime() - 60_000);
      const targets = await target('vm', { state: 'gone', time });
      await settleAll(stores);
      expect(await unconfirmed(targets, 'vm')).toEqual([name]);
    });
  });
});
