import type { Filesystem } from '../../lib/domain/filesystem';
import { TerminalError } from '../../lib/ports/driver';
import { InMemoryDriver, type Method } from '../support/in-memory-driver';
import { startReconciler, type TestReconciler } from '../support/reconcilers';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

const FILESYSTEMS = 4;
const fails = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};
const writes = (method: Method) => method === 'syncAccess' || method === 'ensure' || method === 'retire';

describe('a filer in trouble', () => {
  let stores: Stores;
  let reconcilers: readonly TestReconciler[];
  let [troubled, sound] = [new InMemoryDriver(), new InMemoryDriver()];
  beforeEach(async () => {
    stores = await freshStores();
    [troubled, sound] = [new InMemoryDriver(), new InMemoryDriver()];
    reconcilers = [
      startReconciler(stores.url, stores.clock, troubled, { name: 'troubled' }),
      startReconciler(stores.url, stores.clock, sound, { name: 'sound' }),
    ];
  });
  afterEach(async () => {
    const ended = Promise.all(reconcilers.map((each) => each.stop()));
    let over = false;
    void ended.finally(() => {
      over = true;
    });
    while (!over) await pass(200);
    await ended;
    await stores.close();
  });

  const pass = async (milliseconds: number): Promise<void> => {
    stores.clock.advance(milliseconds);
    for (const each of reconcilers) each.wake();
    // so that what others ask of the database meanwhile is answered
    await stores.database.query('select 1', []);
  };
  const made = async (backend: string): Promise<readonly Filesystem[]> => {
    const filesystems: Filesystem[] = [];
    for (let number = 0; number < FILESYSTEMS; number += 1) filesystems.push(await aFilesystem(stores));
    await stores.database.query('update filesystems set backend = $1 where id = any($2)', [
      backend,
      filesystems.map(({ id }) => id),
    ]);
    return filesystems;
  };
  const say = (id: string, said: Parameters<typeof anObservation>[2]) =>
    stores.instances.apply([anObservation(stores.clock, id, said)]);
  const behind = async (backend: string): Promise<number> => {
    const [row] = await stores.database.query<{ count: string }>(
      `select count(*) from filesystems
       where backend = $1 and (applied_revision < desired_revision or next_attempt is not null)`,
      [backend],
    );
    return Number(row?.count);
  };
  /** @returns how long it took, milliseconds of the clock */
  const inStep = async (backend: string): Promise<number> => {
    let milliseconds = 0;
    while ((await behind(backend)) > 0) {
      await pass(20);
      milliseconds += 20;
    }
    return milliseconds;
  };
  const lists = (driver: InMemoryDriver, filesystems: readonly Filesystem[]) =>
    filesystems.map(({ id }) => driver.lists.get(id)?.addresses);

  it.each<[string, NonNullable<InMemoryDriver['trouble']>]>([
    ['is away', fails('ECONNREFUSED')],
    ['is full', (method) => (writes(method) ? fails('ENOSPC')() : undefined)],
    ['is read-only', (method) => (writes(method) ? fails('EROFS')() : undefined)],
    [
      'lacks something',
      () => {
        throw new TerminalError('/srv/volumes is not mounted');
      },
    ],
    ['takes 10 s a call', (_, signal) => stores.clock.sleep(10_000, signal)],
    ['dies in the middle of a change', () => new Promise<void>(() => {})],
  ])('that %s holds up no other, and all is right when it is back', async (_, trouble) => {
    const [there, here] = [await made('troubled'), await made('sound')];
    await say('vm', { addresses: ['10.0.0.1', '10.0.0.2'] });
    await Promise.all([inStep('troubled'), inStep('sound')]);
    expect(lists(troubled, there)).toEqual(there.map(() => ['10.0.0.1', '10.0.0.2']));

    troubled.trouble = trouble;
    await say('vm', { addresses: ['10.0.0.2'], time: new Date(stores.clock.now().getTime() + 1) });
    // the pauses of a storm are the longest that it waits
    expect(await inStep('sound')).toBeLessThan(2_000);
    expect(lists(sound, here)).toEqual(here.map(() => ['10.0.0.2']));
    expect(await behind('troubled')).toBe(FILESYSTEMS);

    for (let second = 0; second < 60; second += 1) await pass(1_000);
    troubled.trouble = null;
    await inStep('troubled');
    expect(lists(troubled, there)).toEqual(there.map(() => ['10.0.0.2']));
  });
});
