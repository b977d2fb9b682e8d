import { Client } from 'pg';
import type { Filesystem } from '../../lib/domain/filesystem';
import type { FilesystemTransaction } from '../../lib/ports/filesystem-store';
import { accessOf, settle, settleAll, upTo } from '../support/settle';
import { aFilesystem, anObservation, aProcess, BACKEND, freshStores, type Stores, storesOver } from '../support/stores';

/** What a race must never leave: a filesystem at rest whose backend has another list than it should. */
async function expectNothingForgotten(stores: Stores): Promise<void> {
  const rows = await stores.database.query<{ id: string }>('select id from filesystems where retired is null', []);
  for (const { id } of rows) {
    const { wanted, confirmed, due } = await accessOf(stores, id);
    expect(due ? wanted : confirmed).toEqual(wanted);
  }
}

describe('transactions that race', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  const moveToProject = (id: string, project: string, beforeCommit: () => Promise<void>) =>
    stores.filesystems.transaction('spec', async (tx) => {
      await tx.change(id, {
        attributes: { size: { bytes: 1n, text: '1Kb' }, scope: 'project', project },
        endConnections: true,
        withdraws: true,
      });
      await beforeCommit();
    });

  it('withdraws an instance that ends while a filesystem moves to its project', async () => {
    const filesystem = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await stores.instances.apply([anObservation(stores.clock, 'vm', { project: 'p2', addresses: ['10.0.0.1'] })]);
    await settleAll(stores);
    stores.clock.advance(10);

    let end: Promise<unknown> = Promise.resolve();
    await moveToProject(filesystem.id, 'p2', async () => {
      end = stores.instances.apply([anObservation(stores.clock, 'vm', { project: 'p2', state: 'gone' })]);
      await someoneWaits(stores, 1);
    });
    await end;

    await expectNothingForgotten(stores);
    await settleAll(stores);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ confirmed: [], due: false });
  });

  it('withdraws it also when the end began first', async () => {
    const filesystem = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await stores.instances.apply([anObservation(stores.clock, 'vm', { project: 'p2', addresses: ['10.0.0.1'] })]);
    await settleAll(stores);
    stores.clock.advance(10);

    const [end, move] = await whileInstanceIsHeld(stores, 'vm', async () => {
      const ending = stores.instances.apply([anObservation(stores.clock, 'vm', { project: 'p2', state: 'gone' })]);
      await someoneWaits(stores, 1);
      const moving = moveToProject(filesystem.id, 'p2', async () => undefined);
      await someoneWaits(stores, 2);
      return [ending, moving];
    });
    await Promise.all([end, move]);

    await expectNothingForgotten(stores);
    await settleAll(stores);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ confirmed: [], due: false });
  });

  it('withdraws an instance that ends while it is being connected', async () => {
    const filesystem = await aFilesystem(stores, { scope: 'instance' });
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] })]);
    await settleAll(stores);
    stores.clock.advance(10);

    let end: Promise<unknown> = Promise.resolve();
    await stores.filesystems.transaction('spec', async (tx) => {
      await tx.connect(filesystem.id, 'vm', { userId: null, projectId: 'demo' });
      end = stores.instances.apply([anObservation(stores.clock, 'vm', { state: 'gone' })]);
      await someoneWaits(stores, 1);
    });
    await end;

    await expectNothingForgotten(stores);
    await settleAll(stores);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ wanted: [], confirmed: [], due: false });
  });

  it('keeps an address out that another instance claims while its instance is being connected', async () => {
    const filesystem = await aFilesystem(stores, { scope: 'instance' });
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] })]);
    await settleAll(stores);

    let claim: Promise<unknown> = Promise.resolve();
    await stores.filesystems.transaction('spec', async (tx) => {
      await tx.connect(filesystem.id, 'vm', { userId: null, projectId: 'demo' });
      claim = stores.instances.apply([anObservation(stores.clock, 'thief', { project: 'x', addresses: ['10.0.0.1'] })]);
      await someoneWaits(stores, 1);
    });
    await claim;

    await expectNothingForgotten(stores);
    await settleAll(stores);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({
      addresses: [],
      disputed: ['10.0.0.1'],
      confirmed: [],
    });
  });

  it('never deadlock, and forget no filesystem, in any order beside claims and settlings', async () => {
    const { clock, url } = stores;
    const other = storesOver(url, clock, { process: aProcess('process-2') });
    const random = seeded(7);
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
    const projects = ['p1', 'p2', 'p3'];
    const filesystems = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        aFilesystem(stores, {
          scope: (['global', 'project', 'instance'] as const)[index % 3] ?? 'global',
          owner: pick(projects),
        }),
      ),
    );
    const ids = Array.from({ length: 10 }, (_, index) => `vm-${index}`);
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let step = 0; step < 40; step += 1) {
        const { instances, filesystems: store } = writer % 2 ? stores : other;
        const filesystem = pick(filesystems);
        const id = pick(ids);
        clock.advance(1);
        if (random() < 0.6)
          await instances.apply(
            [id, pick(ids)].map((each) =>
              anObservation(clock, each, {
                project: pick(projects),
                state: pick(['live', 'live', 'suspended']),
                source: 'host',
                addresses: [`10.0.0.${Math.floor(random() * 6) + 1}`],
              }),
            ),
          );
        else await store.transaction('spec', (tx) => turn(tx, filesystem, id, pick(projects), random() < 0.5));
      }
    });
    let busy = true;
    const workers = [stores, other].map(async ({ work }) => {
      while (busy) for (const claim of await work.claim(BACKEND, upTo(3))) await settle({ work }, claim);
    });
    await Promise.all(writers);
    busy = false;
    await Promise.all(workers);

    await expectNothingForgotten(stores);
    clock.advance(60_000);
    await settleAll(stores);
    for (const { id } of filesystems) {
      const { wanted, confirmed, due } = await accessOf(stores, id);
      expect({ confirmed, due }).toEqual({ confirmed: wanted, due: false });
    }
    await other.database.close();
  });
});

/** Resolves when so many sessions wait for a lock. */
async function someoneWaits({ database }: Stores, sessions: number): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ waiting: string }>(
      `select count(*) as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      [],
    );
    if (Number(row?.waiting) >= sessions) return;
  }
}

/** Runs `work` while another session holds the instance's row. */
async function whileInstanceIsHeld<Result>({ url }: Stores, id: string, work: () => Promise<Result>): Promise<Result> {
  const holder = new Client({ connectionString: url });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select 1 from shared_filesystem.instances where id = $1 for update', [id]);
  try {
    return await work();
  } finally {
    await holder.query('commit');
    await holder.end();
  }
}

/** A linear congruential generator: the same order of steps at every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** One request: connects or disconnects where connections are explicit, gives a filesystem of scope project to another project. */
async function turn(
  tx: FilesystemTransaction,
  { id, name, scope, size }: Filesystem,
  instanceId: string,
  project: string,
  wants: boolean,
): Promise<void> {
  await tx.lock(name);
  if (scope === 'project')
    await tx.change(id, { attributes: { size, scope, project }, endConnections: false, withdraws: true });
  if (scope !== 'instance' || (await tx.instance(instanceId)) === null) return;
  if ((await tx.isConnected(id, instanceId)) === wants) return;
  if (wants) await tx.connect(id, instanceId, { userId: null, projectId: 'p1' });
  else await tx.disconnect(id, instanceId);
}
