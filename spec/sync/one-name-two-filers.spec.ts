import { InMemoryDriver } from '../support/in-memory-driver';
import { startReconciler, type TestReconciler } from '../support/reconcilers';
import { aFilesystem, anObservation, aProcess, freshStores, type Stores } from '../support/stores';

const ID = 'spec-process';

describe('two hosts that have different storage under one backend’s name', () => {
  let stores: Stores;
  const running: TestReconciler[] = [];
  let drivers = [new InMemoryDriver(), new InMemoryDriver()] as const;
  beforeEach(async () => {
    drivers = [new InMemoryDriver(), new InMemoryDriver()];
    stores = await freshStores();
  });
  afterEach(async () => {
    let over = false;
    const ended = Promise.all(running.splice(0).map((each) => each.stop())).finally(() => {
      over = true;
    });
    while (!over) {
      stores.clock.advance(200);
      await stores.database.query('select 1', []);
    }
    await ended;
    await stores.close();
  });

  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      for (const each of running) each.wake();
      stores.clock.advance(100);
      await stores.database.query('select 1', []);
    }
  };

  it('have the settings of the one whose storage it is, whatever the other one says', async () => {
    running.push(startReconciler(stores.url, stores.clock, drivers[0], { process: aProcess(`${ID}-0`) }));
    await until(() => running[0]?.status.state === 'up');
    running.push(
      startReconciler(stores.url, stores.clock, drivers[1], { process: aProcess(`${ID}-1`), fingerprint: 'others' }),
    );
    await until(() => running[1]?.status.state === 'withdraw-only');
    const { id } = await aFilesystem(stores);
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] })]);
    await until(() => drivers[0].lists.get(id)?.addresses.join() === '10.0.0.1');
    expect(running.map(({ status }) => status.state)).toEqual(['up', 'withdraw-only']);
    expect(drivers[1].lists.size).toBe(0);
  });

  it('work on one of the two alone: the other has no marker, and says so', async () => {
    for (const [index, driver] of drivers.entries())
      running.push(startReconciler(stores.url, stores.clock, driver, { process: aProcess(`${ID}-${index}`) }));
    const states = () => running.map(({ status }) => status.state).toSorted();
    await until(() => states().join() === 'up,withdraw-only');

    const { id } = await aFilesystem(stores);
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] })]);
    const first = drivers.findIndex(({ marker }) => marker !== null);
    await until(() => drivers[first]?.lists.get(id)?.addresses.join() === '10.0.0.1');
    const other = drivers[1 - first];
    expect([other?.marker, other?.stored.size]).toEqual([null, 0]);
    // nothing was ever let in there
    expect(other?.history.flatMap(({ addresses }) => addresses)).toEqual([]);
    const alarm = running.find(({ status }) => status.state === 'withdraw-only');
    expect(alarm?.status.message).toMatch(/^The storage has no marker/);
  });
});
