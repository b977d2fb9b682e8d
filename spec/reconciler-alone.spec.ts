import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import type { Filesystem } from '../lib/domain/filesystem';
import { createReconciler, type ReconcilerAlone, type ReconcilerOptions } from '../lib/reconciler-alone';
import { DatabaseClock } from '../lib/store/clock';
import { grantReconciler, revokeReconciler } from '../lib/store/reconciler-role';
import { type FreshDatabase, migratedDatabase } from './support/database';
import { eventually } from './support/eventually';
import { type PostgresRole, postgresRole } from './support/postgres-role';
import { SILENT } from './support/reconcilers';
import { anObservation, storesOver } from './support/stores';

/** As beside a filer: a role of its own, the real driver, the clock of the database. */
describe('the reconciler alone', () => {
  let fresh: FreshDatabase;
  let role: PostgresRole;
  let folder: string;
  let api: ReturnType<typeof storesOver>;
  const clock = new DatabaseClock();
  const started: ReconcilerAlone[] = [];

  beforeEach(async () => {
    fresh = await migratedDatabase();
    role = await postgresRole(fresh.url);
    folder = await mkdtemp(path.join(tmpdir(), 'filer-'));
    api = storesOver(fresh.url, clock);
    await clock.measure(api.database);
    await grantReconciler(api.database, role.name, ['filer']);
  });
  afterEach(async () => {
    for (const each of started.splice(0)) await each.stop();
    await api.database.close();
    await role.drop();
    await fresh.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const create = (said: Partial<ReconcilerOptions> = {}): ReconcilerAlone => {
    const nfs = {
      name: 'filer',
      driver: 'nfs',
      server: 'exports-file',
      volumes: { kind: 'directory', root: path.join(folder, 'volumes') },
      exports: { directory: path.join(folder, 'exports'), exportAddress: '10.20.0.5' },
    };
    const made = createReconciler({
      database: { connectionString: role.url },
      backends: [nfs, { name: 'another' }],
      only: ['filer'],
      networks: ['10.20.0.0/16'],
      deletionGraceSeconds: 0,
      logger: SILENT,
      ...said,
    });
    started.push(made);
    return made;
  };
  const make = (name: string): Promise<Filesystem> =>
    api.filesystems.transaction('spec', (tx) =>
      tx.create({
        name,
        owner: 'demo',
        attributes: { size: { bytes: 4096n, text: '4Kb' }, scope: 'global', project: null },
        backend: 'filer',
      }),
    );
  const say = (id: string, said: Parameters<typeof anObservation>[2]) =>
    api.instances.apply([anObservation(clock, id, said)]);
  const exported = ({ id }: Filesystem): readonly string[] => {
    const file = path.join(folder, 'exports', `${id}.exports`);
    return existsSync(file)
      ? [...readFileSync(file, 'utf8').matchAll(/^ {2}(\S+)\(/gm)].map(([, found]) => found ?? '')
      : [];
  };
  const lets = (filesystem: Filesystem, ...addresses: readonly string[]) =>
    eventually(() => {
      const found = exported(filesystem);
      return String(found) === String(addresses) ? null : `it lets in ${found.join()}`;
    });
  const ask = <Row extends object>(text: string) => api.database.query<Row & Record<string, unknown>>(text, []);

  it('makes, lets in, lets out, resizes, counts and removes', async () => {
    const reconciler = create();
    await reconciler.start();
    const filesystem = await make('data');
    await say('vm', { addresses: ['10.20.0.7', '10.21.0.7'] });
    await lets(filesystem, '10.20.0.7');
    expect(await reconciler.status()).toMatchObject({ ready: true, backends: [{ name: 'filer', state: 'up' }] });

    await api.filesystems.transaction('spec', (tx) =>
      tx.change(filesystem.id, {
        attributes: { size: { bytes: 8192n, text: '8Kb' }, scope: 'global', project: null },
        endConnections: false,
        withdraws: false,
      }),
    );
    await eventually(async () => {
      const [row] = await ask<{ bytes: string | null }>('select applied_size_bytes as bytes from filesystems');
      return row?.bytes === '8192' ? null : `its size is ${row?.bytes}`;
    });
    await api.filesystems.requestUsage(filesystem.id);
    await eventually(async () => ((await api.filesystems.usageTime(filesystem.id)) ? null : 'not counted'));
    await eventually(async () => {
      const [row] = await ask<{ free: string | null }>(`select room_free_bytes as free from backends`);
      return Number(row?.free) > 0 ? null : 'no room is told';
    });

    await say('vm', { state: 'gone', source: 'host' });
    await lets(filesystem);
    await api.filesystems.transaction('spec', (tx) => tx.markDeleting(filesystem.id));
    await eventually(async () => ((await ask('select id from filesystems')).length === 0 ? null : 'it is there'));
    expect(readdirSync(path.join(folder, 'volumes')).filter((name) => name.startsWith(filesystem.id))).toEqual([]);
    expect(await ask('select granted from access_log order by id')).toEqual([{ granted: true }, { granted: false }]);
  });

  it('tells that it serves, and that it does not any more', async () => {
    const reconciler = create();
    await reconciler.start();
    const serving = async () => (await api.servings.servings()).find(({ name }) => name === 'filer');
    await eventually(async () => ((await serving())?.served?.state === 'up' ? null : 'it is not served'));
    expect((await serving())?.served?.version).toMatch(/^\d+\.\d+\.\d+/);
    await reconciler.stop();
    expect((await serving())?.served).toBeNull();
  });

  it('is not started before its role has its rights', async () => {
    await revokeReconciler(api.database, role.name);
    const reconciler = create();
    await expect(reconciler.start()).rejects.toThrow(/migrate --grant-reconciler/);
    await grantReconciler(api.database, role.name, ['filer']);
    await reconciler.start();
  });

  it('says how its role gets the right to a backend that it has not', async () => {
    await grantReconciler(api.database, role.name, ['another']);
    const reconciler = create();
    await reconciler.start();
    await eventually(() => (reconciler.backends[0]?.state === 'down' ? null : 'it is not down'));
    expect(reconciler.backends[0]?.message).toMatch(/may not work on backend "filer": .*--grant-reconciler/);
  });

  it('refuses a backend that its file has not, or that another process works on', () => {
    for (const name of ['none', 'another']) expect(() => create({ only: [name] })).toThrow(`--backend ${name}:`);
  });

  it('is not led astray by a database that somebody has taken over', async () => {
    await create().start();
    const filesystem = await make('data');
    await say('vm', { addresses: ['10.20.0.7'] });
    await lets(filesystem, '10.20.0.7');
    for (const { name, table } of await ask<{ name: string; table: string }>(
      `select conname as name, conrelid::regclass::text as "table" from pg_constraint
       where contype = 'c' and conrelid in ('filesystems'::regclass, 'instance_addresses'::regclass)`,
    ))
      await ask(`alter table ${table} drop constraint "${name}"`);
    await ask(
      `insert into instance_addresses (instance_id, address, kind, position)
       values ('vm', '0.0.0.0/0', 'fixed', 2), ('vm', '127.0.0.1', 'fixed', 3), ('vm', '10.20.0.5', 'fixed', 4), ('vm', '10.20.0.8', 'fixed', 5)`,
    );
    await ask(
      `update filesystems set name = E'x\\n/ *(rw,no_root_squash)', owner = E'../../y\\n', size_text = E'1\\n/ *',
         desired_revision = desired_revision + 1, next_attempt = now(), backend = 'filer'`,
    );
    await lets(filesystem, '10.20.0.7', '10.20.0.8');
    const file = readFileSync(path.join(folder, 'exports', `${filesystem.id}.exports`), 'utf8');
    const lines = file.replaceAll('\\\n', ' ').split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      expect.stringMatching(new RegExp(`^${path.join(folder, 'volumes', filesystem.id)} `)),
    ]);
    expect(readdirSync(folder).toSorted()).toEqual(['exports', 'volumes']);
  });
});
