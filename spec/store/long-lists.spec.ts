import { settleAll } from '../support/settle';
import { aFilesystem, anObservation, BACKEND, freshStores, type Stores } from '../support/stores';

const LONG = 501;

describe('a claim', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  it('tells long lists from short ones, and takes each only where it is asked for', async () => {
    const { clock, instances, work } = stores;
    const long = await aFilesystem(stores, { scope: 'global' });
    const short = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await instances.apply(
      Array.from({ length: LONG }, (_, index) =>
        anObservation(clock, `vm-${index}`, { project: 'p2', addresses: [`10.1.${index >> 7}.${(index & 127) + 1}`] }),
      ),
    );
    await settleAll(stores);
    clock.advance(1);
    await instances.apply([anObservation(clock, 'one', { project: 'p1', addresses: ['10.0.0.1'] })]);

    const claim = async (limits: { short: number; long: number }) =>
      (await work.claim(BACKEND, { ...limits, purge: 9 })).map(({ filesystemId, kind }) => [filesystemId, kind]);
    expect(await work.nextDue(BACKEND.name, ['purge'])).toBeNull();
    expect(await claim({ short: 9, long: 0 })).toEqual([[short.id, 'short']]);
    expect(await claim({ short: 9, long: 0 })).toEqual([]);
    expect(await claim({ short: 9, long: 1 })).toEqual([[long.id, 'long']]);
  });
});
