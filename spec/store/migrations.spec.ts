import { Database } from '../../lib/store/database';
import { migrate, migrateDown, requireSchema } from '../../lib/store/migrate';
import { MIGRATIONS } from '../../lib/store/migrations';
import { freshDatabase } from '../support/database';
import { HandClock } from '../support/hand-clock';
import { settleAll } from '../support/settle';
import { aFilesystem, anObservation, BACKEND, storesOver } from '../support/stores';

const TABLES = [
  'access_entries',
  'access_faults',
  'access_log',
  'backend_reconcilers',
  'backends',
  'connections',
  'deployment',
  'filesystems',
  'instance_addresses',
  'instances',
  'ports',
  'reconciler_grants',
];

describe('the migrations', () => {
  let url: string;
  let drop: () => Promise<void>;
  let database: Database;
  beforeEach(async () => {
    ({ url, drop } = await freshDatabase());
    database = new Database({ connectionString: url });
  });
  afterEach(async () => {
    await database.close();
    await drop();
  });

  const tables = async () =>
    (
      await database.query<{ name: string }>(
        `select table_name as name from information_schema.tables
         where table_schema = $1 and table_name not like 'migrations%' order by 1`,
        [database.schema],
      )
    ).map(({ name }) => name);

  it('go up, down with rows in the tables, and up again', async () => {
    await migrate(database);
    expect(await tables()).toEqual(TABLES);
    const clock = new HandClock();
    const stores = storesOver(url, clock);
    await stores.backends.register(BACKEND, 'in-memory', [], 'none');
    await aFilesystem(stores);
    await stores.instances.apply([anObservation(clock, 'vm', { addresses: ['10.0.0.1'] })]);
    await settleAll(stores);
    expect(await database.query('select instance_id from access_entries', [])).toHaveLength(1);
    await stores.database.close();

    for (const _ of MIGRATIONS) await migrateDown(database);
    expect(await tables()).toEqual([]);
    await migrate(database);
    expect(await tables()).toEqual(TABLES);
  });

  it('run once when several processes start at once', async () => {
    const others = Array.from({ length: 4 }, () => new Database({ connectionString: url }));
    await Promise.all([database, ...others].map(migrate));
    await Promise.all(others.map((each) => each.close()));
    expect(await database.query('select name from migrations', [])).toHaveLength(MIGRATIONS.length);
  });

  it('refuse a schema that a newer program has made, and leave it as it is', async () => {
    await migrate(database);
    await database.query(`insert into migrations (name, batch, migration_time) values ('9999-future', 2, now())`, []);
    await expect(migrate(database)).rejects.toThrow(/newer program \(9999-future\)/);
    expect(await tables()).toEqual(TABLES);
  });

  describe('are waited for by who must not run them', () => {
    it('until the schema is there', async () => {
      await expect(requireSchema(database)).rejects.toThrow(/^There is no schema/);
      await migrate(database);
      await requireSchema(database);
    });

    it('until the newest is there', async () => {
      await migrate(database);
      await migrateDown(database);
      const newest = MIGRATIONS.at(-1)?.name ?? '';
      await expect(requireSchema(database)).rejects.toThrow(`lacks ${newest}`);
    });

    it('and no longer where a newer program has made more', async () => {
      await migrate(database);
      await database.query(`insert into migrations (name, batch, migration_time) values ('9999-future', 2, now())`, []);
      await requireSchema(database);
    });
  });

  it('keep two schemas in one database apart', async () => {
    const other = new Database({ connectionString: url, schema: 'another' });
    await Promise.all([migrate(database), migrate(other)]);
    expect(await tables()).toEqual(TABLES);
    expect(await other.query('select 1 from another.filesystems', [])).toEqual([]);
    await other.close();
  });

  it('hold in one transaction each, so that a start that is killed leaves nothing half-way', () => {
    for (const migration of MIGRATIONS) expect(migration).not.toHaveProperty('config');
  });
});
