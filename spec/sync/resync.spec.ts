import { noMetrics } from '../../lib/metrics';
import { Resync } from '../../lib/sync/resync';
import { InMemoryCompute } from '../support/in-memory-compute';
import { accessOf } from '../support/settle';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

const SECOND = 1_000;
const INTERVAL = 300 * SECOND;

describe('resync', () => {
  let stores: Stores;
  let compute: InMemoryCompute;
  let logged: string[];
  let braked: boolean[];
  let stop: AbortController;
  let ended: Promise<unknown>;
  let filesystem: { readonly id: string };

  beforeEach(async () => {
    stores = await freshStores(undefined, { canAsk: true });
    compute = new InMemoryCompute(stores.clock);
    logged = [];
    braked = [];
    stop = new AbortController();
    ended = Promise.resolve();
    filesystem = await aFilesystem(stores);
  });
  afterEach(async () => {
    stop.abort();
    await ended;
    await stores.close();
  });

  const start = (over: Pick<Stores, 'resync' | 'instances'> = stores): Resync => {
    const log = (_facts: object, message: string) => void logged.push(message);
    const resync = new Resync(
      over.resync,
      over.instances,
      compute,
      { intervalMilliseconds: INTERVAL, largestShare: 0.2 },
      stores.clock,
      () => 0.5,
      { debug: log, info: log, warn: log, error: log },
      { ...noMetrics, resyncBraked: (isBraked) => void braked.push(isBraked) },
    );
    ended = Promise.all([ended, resync.run(stop.signal)]);
    return resync;
  };
  const live = async (...ids: readonly string[]) => {
    await stores.instances.apply(
      ids.map((id) => anObservation(stores.clock, id, { addresses: [`10.0.0.${ids.indexOf(id) + 1}`] })),
    );
    for (const id of ids) compute.instances.set(id, { project: 'demo', addresses: [`10.0.0.${ids.indexOf(id) + 1}`] });
    stores.clock.advance(SECOND);
  };
  /** What is asked is answered. */
  const answered = async () => {
    for (const question of await stores.questions.take(100, 100))
      await stores.questions.answer(question, await compute.find(question.instanceId, stop.signal));
  };
  const list = async () => (await accessOf(stores, filesystem.id)).addresses;
  /** Resolves when the n-th has been written down. */
  const done = async (count: number) => {
    for (;;) {
      const record = await stores.resync.last();
      if (logged.length >= count && record) return record;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it('at the start brings what was missed: new instances, other addresses, ends', async () => {
    await live('stays', 'moves', 'ended');
    compute.instances.set('moves', { project: 'demo', addresses: ['10.0.0.20'] });
    compute.instances.delete('ended');
    compute.instances.set('new', { project: 'demo', addresses: ['10.0.0.30'] });
    start();
    expect(await done(1)).toMatchObject({ outcome: 'complete', instances: 3, missing: 1 });
    await answered();
    expect(await list()).toEqual(['10.0.0.1', '10.0.0.20', '10.0.0.30']);
  });

  it('comes again after its interval, and when something may have been missed', async () => {
    const resync = start();
    await done(1);
    stores.clock.advance(INTERVAL - 1);
    expect(logged).toHaveLength(1);
    stores.clock.advance(1);
    await done(2);
    stores.clock.advance(10 * SECOND);
    resync.request();
    await done(3);
    expect(compute.asked).toEqual(['*', '*', '*']);
  });

  it('is not made twice when two processes need it', async () => {
    compute.before = () => new Promise((resolve) => setImmediate(resolve));
    start();
    start();
    await done(1);
    stores.clock.advance(2 * SECOND);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(compute.asked).toEqual(['*']);
  });

  it.each<[what: string, isEmpty: boolean]>([
    ['the list is empty', true],
    ['a cell is down', false],
  ])('ends nothing by itself when %s, and has Compute asked about each', async (_what, isEmpty) => {
    await live('a', 'b');
    compute.unlisted.add('b');
    if (isEmpty) compute.instances.clear();
    compute.complete = isEmpty;
    start();
    expect(await done(1)).toMatchObject({ outcome: 'incomplete' });
    expect(await list()).toEqual(['10.0.0.1', '10.0.0.2']);
    expect((await stores.questions.take(10, 10)).map(({ instanceId }) => instanceId)).toContain('b');
  });

  it('withdraws nothing when a page fails, and tries again with back-off', async () => {
    await live('a', 'b', 'c');
    compute.instances.delete('a');
    let pages = 0;
    compute.before = () => {
      pages += 1;
      compute.away = pages === 2;
    };
    compute.pageSize = 1;
    start();
    expect(await done(1)).toMatchObject({ outcome: 'failed' });
    expect(await list()).toHaveLength(3);
    stores.clock.advance(SECOND);
    expect(await done(2)).toMatchObject({ outcome: 'complete', missing: 1 });
    await answered();
    expect(await list()).toHaveLength(2);
  });

  it('does not cut off the cloud when much is missing, says so once, and ends what Compute confirms', async () => {
    const ids = Array.from({ length: 60 }, (_, index) => `vm-${index}`);
    await live(...ids);
    for (const id of ids.slice(0, 30)) compute.unlisted.add(id);
    const resync = start();
    expect(await done(1)).toMatchObject({ outcome: 'braked', missing: 30 });
    expect(await list()).toHaveLength(60);
    expect(braked).toEqual([true]);
    expect(logged[0]).toMatch(/suspiciously many/);
    compute.instances.delete('vm-0');
    const question = (await stores.questions.take(100, 100)).find(({ instanceId }) => instanceId === 'vm-0');
    if (!question) throw new Error('vm-0 is not asked about');
    await stores.questions.answer(question, await compute.find('vm-0', stop.signal));
    expect(await list()).toHaveLength(59);

    stores.clock.advance(10 * SECOND);
    resync.request();
    await done(2);
    expect(logged.filter((message) => /suspiciously many/.test(message))).toHaveLength(1);
    compute.unlisted.clear();
    stores.clock.advance(10 * SECOND);
    resync.request();
    expect(await done(3)).toMatchObject({ outcome: 'complete' });
    expect(braked).toEqual([true, true, false]);
  });

  it('brings back what a failed deletion has shut out', async () => {
    await live('a');
    await stores.instances.apply([anObservation(stores.clock, 'a', { state: 'suspended' })]);
    stores.clock.advance(SECOND);
    expect(await list()).toEqual([]);
    start();
    await done(1);
    expect(await list()).toEqual(['10.0.0.1']);
  });
});
