import type { Listing } from '../../lib/ports/directory-store';
import { accessOf } from '../support/settle';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

describe('a resync', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores(undefined, { canAsk: true });
    await stores.instances.apply(
      ['a', 'b', 'c'].map((id, index) => anObservation(stores.clock, id, { addresses: [`10.0.0.${index + 1}`] })),
    );
    stores.clock.advance(1_000);
  });
  afterEach(() => stores.close());

  const alone = async <Result>(work: (listing: Listing, begun: Date) => Promise<Result>): Promise<Result> => {
    const begun = stores.clock.now();
    const result = await stores.resync.alone((listing) => work(listing, begun));
    if (result === null) throw new Error('another one runs');
    return result;
  };

  it('finds what is live here and was not listed', async () => {
    await alone(async (listing, begun) => {
      await listing.add(['a', 'x']);
      await listing.add(['a', 'c']);
      expect(await listing.missing(begun)).toEqual({ missing: 1, live: 3 });
    });
  });

  it('does not undo what was heard while it ran', async () => {
    const filesystem = await aFilesystem(stores);
    await alone(async (listing, begun) => {
      await listing.add(['a', 'c']);
      stores.clock.advance(1);
      await stores.instances.apply([
        anObservation(stores.clock, 'b', { addresses: ['10.0.0.2'] }),
        // created while the list was read, by a host whose clock is behind
        anObservation(stores.clock, 'd', { addresses: ['10.0.0.4'], time: new Date(begun.getTime() - 60_000) }),
      ]);
      expect(await listing.missing(begun)).toEqual({ missing: 0, live: 4 });
      await listing.askAboutMissing(begun);
    });
    expect((await accessOf(stores, filesystem.id)).addresses).toHaveLength(4);
    expect(await stores.questions.take(10, 10)).toEqual([]);
  });

  it('has Compute asked about each that is missing', async () => {
    await alone(async (listing, begun) => {
      await listing.add(['a']);
      await listing.askAboutMissing(begun);
    });
    const questions = await stores.questions.take(10, 10);
    expect(questions.map(({ instanceId, reason }) => `${instanceId} ${reason}`).toSorted()).toEqual([
      'b missing',
      'c missing',
    ]);
  });

  it('is one at a time, and begins with an empty list', async () => {
    await alone(async (listing) => {
      await listing.add(['a', 'b', 'c']);
      expect(await stores.resync.alone(async () => 'both')).toBeNull();
    });
    expect(await alone((listing, begun) => listing.missing(begun))).toEqual({ missing: 3, live: 3 });
    await expect(alone(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await stores.resync.alone(async () => 'again')).toBe('again');
  });

  it('writes down how it went, for all processes', async () => {
    expect(await stores.resync.last()).toBeNull();
    const begun = stores.clock.now();
    const record = {
      begun,
      ended: begun,
      outcome: 'braked',
      message: 'too many',
      instances: 1,
      missing: 2,
    } as const;
    await alone((listing) => listing.record(record));
    expect(await stores.resync.last()).toEqual(record);
  });
});
