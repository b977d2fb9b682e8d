import { settleAll } from '../support/settle';
import { aFilesystem, BACKEND, freshStores, type Stores } from '../support/stores';

describe('the counting of used space', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  const due = (before = stores.clock.now()) => stores.usage.usageDue(BACKEND.name, before, 9);

  it('is due for volumes that were never counted, then the longest ago, and first where somebody asks', async () => {
    const [one, two, three] = [await aFilesystem(stores), await aFilesystem(stores), await aFilesystem(stores)];
    expect(await due()).toEqual([]);
    await settleAll(stores);
    expect((await due()).toSorted()).toEqual([one.id, two.id, three.id].toSorted());
    for (const { id } of [two, one, three]) {
      stores.clock.advance(1_000);
      await stores.usage.recordUsage(BACKEND.name, new Map([[id, 7n]]));
    }
    expect(await due()).toEqual([two.id, one.id]);
    const asked = await stores.filesystems.requestUsage(three.id);
    expect(await due()).toEqual([three.id, two.id, one.id]);
    stores.clock.advance(1);
    await stores.usage.recordUsage(BACKEND.name, new Map([[three.id, 9n]]));
    expect(await stores.filesystems.usageTime(three.id)).toEqual(new Date(asked.getTime() + 1));
  });

  it('keeps what is known of a volume that could not be counted', async () => {
    const { id, name } = await aFilesystem(stores);
    await settleAll(stores);
    await stores.usage.recordUsage(BACKEND.name, new Map([[id, 7n]]));
    await stores.usage.recordUsage(BACKEND.name, new Map([[id, null]]));
    const view = await stores.filesystems.find(name, { isAdmin: true, projectId: 'admin' });
    expect(view?.filesystem.usedBytes).toBe(7n);
  });
});
