import { anObservation, freshStores, type Stores } from '../support/stores';

describe('what Postgres knows of the directory', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
    // only what is said here counts
    for (const table of ['instances', 'instance_addresses'])
      await stores.database.query(`alter table ${table} set (autovacuum_enabled = off)`, []);
  });
  afterEach(() => stores.close());

  const tell = (from: number, count: number) =>
    stores.instances.apply(
      Array.from({ length: count }, (_, index) =>
        anObservation(stores.clock, `vm-${from + index}`, {
          addresses: [`10.0.${(from + index) >> 8}.${(from + index) & 255}`],
        }),
      ),
    );
  const known = async (table: string): Promise<number | undefined> => {
    const sql = 'select reltuples as rows from pg_class where oid = $1::regclass';
    const [row] = await stores.database.query<{ rows: number }>(sql, [table]);
    return row?.rows;
  };

  it('is how large its tables are, as soon as they may have doubled', async () => {
    await tell(0, 600);
    expect([await known('instances'), await known('instance_addresses')]).toEqual([600, 600]);
    await tell(600, 599);
    expect(await known('instances')).toBe(600);
    await tell(1_199, 1);
    expect(await known('instances')).toBe(1_200);
  });

  it('does not matter while they are small', async () => {
    await tell(0, 499);
    expect(await known('instances')).toBe(-1);
  });
});
