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

  it('is told to who asked for it, and to nobody else', async () => {
    // not settled before: a settlement is told too, and later than it returns
    const [one, two] = [await aFilesystem(stores), await aFilesystem(stores)];
    await stores.filesystems.requestUsage(two.id);
    const told: (string | undefined)[] = [];
    await stores.database.connection(async (connection) => {
      connection.on('notification', ({ payload }) => told.push(payload));
      await connection.query(`listen ${stores.database.schema}`);
      await stores.usage.recordUsage(BACKEND.name, new Map([one, two].map(({ id }) => [id, 7n])));
      await connection.query(`select pg_notify('${stores.database.schema}', 'over')`);
      await connection.query(`unlisten *`);
    });
    expect(told.filter((payload) => payload === one.id || payload === two.id || payload === 'over')).toEqual([
      two.id,
      'over',
    ]);
  });

  it('waits for nobody in a circle, and nobody for all of it', async () => {
    const ids = await many(2_000);
    const held = ids.toSorted().at(0) ?? '';
    let counted: Promise<void> = Promise.resolve();
    await stores.database.transaction(async (trx) => {
      await trx.raw('select 1 from filesystems where id = ? for no key update', [held]);
      counted = stores.usage.recordUsage(BACKEND.name, new Map(ids.map((id) => [id, 7n])));
      await waitsForLock();
      // behind the one that is held nothing is, whatever order it was asked in
      await trx.raw('select 1 from filesystems where id <> ? order by id for no key update nowait', [held]);
    });
    await counted;
    const [row] = await stores.database.query<{ counted: number }>(
      'select count(*)::int as counted from filesystems where used_bytes = 7',
      [],
    );
    expect(row?.counted).toBe(2_000);
  });

  /** Ids in an order that is not theirs. */
  const many = async (count: number): Promise<readonly string[]> =>
    (
      await stores.database.query<{ id: string }>(
        `insert into filesystems (id, name, owner, scope, size_bytes, size_text, applied_size_bytes, applied_size_text, backend)
         select gen_random_uuid(), 'many-' || n, 'demo', 'global', 1024, '1Kb', 1024, '1Kb', $1
         from generate_series(1, $2::int) as n returning id`,
        [BACKEND.name, count],
      )
    ).map(({ id }) => id);
  const waitsForLock = async (): Promise<void> => {
    for (;;) {
      const [row] = await stores.database.query<{ waits: boolean }>(
        `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waits`,
        [],
      );
      if (row?.waits) return;
    }
  };

  it('keeps what is known of a volume that could not be counted', async () => {
    const { id, name } = await aFilesystem(stores);
    await settleAll(stores);
    await stores.usage.recordUsage(BACKEND.name, new Map([[id, 7n]]));
    await stores.usage.recordUsage(BACKEND.name, new Map([[id, null]]));
    const view = await stores.filesystems.find(name, { isAdmin: true, projectId: 'admin' });
    expect(view?.filesystem.usedBytes).toBe(7n);
  });
});
