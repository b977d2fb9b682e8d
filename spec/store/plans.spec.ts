import { parseSize } from '../../lib/domain/size';
import type { Viewer } from '../../lib/ports/viewer';
import { readCandidates } from '../../lib/store/candidates';
import { grantReconciler } from '../../lib/store/reconciler-role';
import { type PostgresRole, postgresRole } from '../support/postgres-role';
import { claimOne, settle, upTo } from '../support/settle';
import { aFilesystem, anObservation, BACKEND, freshStores, type Stores, storesOver } from '../support/stores';

const ROWS = 100_000;
/** Reading a table of that size from its first row to its last is far above it, reading a page of it far below. */
const MANY = 5_000;

/** A filesystem with all instances in its log, nine of ten withdrawn again. */
const LOGGED = '9f2f9b5c-4f5e-4d6a-9c3b-0a7f3f0f6b11';
const later = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
const MIDDLE = { time: later(ROWS), id: 0n };

const admin: Viewer = { isAdmin: true, projectId: 'project-1' };
const member: Viewer = { isAdmin: false, projectId: 'project-1' };

describe(`on ${ROWS} filesystems and instances`, () => {
  let stores: Stores;
  /** One connection, so that Postgres counts everything for it. */
  let one: ReturnType<typeof storesOver>;
  /** As a filer has it, with a role that is held to its rows. */
  let filer: ReturnType<typeof storesOver>;
  let role: PostgresRole;

  beforeAll(async () => {
    stores = await freshStores();
    await fill(stores);
    one = storesOver(stores.url, stores.clock, { poolSize: 1 });
    role = await postgresRole(stores.url);
    await grantReconciler(stores.database, role.name, [BACKEND.name]);
    filer = storesOver(role.url, stores.clock, { poolSize: 1 });
  }, 120_000);
  afterAll(async () => {
    await one.database.close();
    await filer.database.close();
    await role.drop();
    await stores.close();
  });

  const rowsReadInOrder = async (): Promise<number> => {
    for (const { database } of [one, filer]) await database.query('select pg_stat_force_next_flush()', []);
    const [row] = await one.database.query<{ rows: string }>(
      `select sum(seq_tup_read) as rows from pg_stat_user_tables where schemaname = 'shared_filesystem'`,
      [],
    );
    return Number(row?.rows);
  };
  const readInOrderBy = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await rowsReadInOrder();
    // prepared statements get a plan for all values at the sixth execution
    for (let run = 0; run < 7; run += 1) await work();
    return (await rowsReadInOrder()) - before;
  };

  it('counts a walk through a whole table', async () => {
    expect(await readInOrderBy(() => one.database.query('select count(cause) from filesystems', []))).toBeGreaterThan(
      ROWS,
    );
  });

  const operations: [string, () => Promise<unknown>][] = [
    ['shows a filesystem to a member', () => one.filesystems.find('fs-77', member)],
    ['shows a filesystem of scope project to an administrator', () => one.filesystems.find('fs-77', admin)],
    ['lists those of a tenant', () => one.filesystems.list({ tenantId: 'project-1', limit: 101 })],
    ['lists the next page', () => one.filesystems.list({ tenantId: 'project-1', marker: 'fs-5', limit: 101 })],
    ['lists all', () => one.filesystems.list({ tenantId: null, limit: 1001 })],
    [
      'lists instances',
      async () => {
        const view = await one.filesystems.find('fs-77', admin);
        if (view) await one.filesystems.listInstances(view.filesystem, admin, { limit: 101 });
      },
    ],
    [
      'shows an instance',
      async () => {
        const view = await one.filesystems.find('fs-77', admin);
        if (view) await one.filesystems.findInstance(view.filesystem, 'vm-77', admin);
      },
    ],
    ['explains an instance', () => one.filesystems.explain('fs-77', 'vm-77', member)],
    ['explains an instance that there is not', () => one.filesystems.explain('fs-77', 'none', admin)],
    [
      'foretells a deletion',
      async () => {
        await one.filesystems.foretell('spec', async (tx) => {
          const filesystem = await tx.lock('fs-77');
          if (!filesystem) throw new Error('no such filesystem');
          await tx.markDeleting(filesystem.id);
          return filesystem.id;
        });
      },
    ],
    [
      'foretells a creation',
      async () => {
        const attributes = { size: parseSize('1Gb'), scope: 'project', project: 'project-1' } as const;
        await one.filesystems.foretell('spec', async (tx) => {
          const { id } = await tx.create({ name: 'foretold', owner: 'project-1', attributes });
          return id;
        });
      },
    ],
    ['lists what a tenant has deleted', () => one.deleted.list({ owner: 'project-1', limit: 101 })],
    ['lists all that is deleted', () => one.deleted.list({ owner: null, limit: 1001 })],
    ['looks for work when there is none', () => one.work.claim(BACKEND, upTo(10))],
    ['looks for purges when there are none', () => one.work.claim(BACKEND, { short: 0, long: 0, purge: 1 })],
    ['asks when work is due', () => one.work.nextDue(BACKEND.name, ['short', 'long', 'purge'])],
    ['measures the lag', () => one.work.lag(BACKEND.name)],
    ['wakes what is parked', () => one.work.wake(BACKEND.name, 'parked')],
    ['looks for leases of dead processes', () => one.work.releaseDead([BACKEND.name])],
    ['looks for volumes to count', () => one.usage.usageDue(BACKEND.name, new Date('2020-01-01'), 1)],
    ['looks for work as a filer', () => filer.work.claim(BACKEND, upTo(10))],
    ['asks when work is due as a filer', () => filer.work.nextDue(BACKEND.name, ['short', 'long', 'purge'])],
    ['wakes what is parked as a filer', () => filer.work.wake(BACKEND.name, 'parked')],
    ['looks for volumes to count as a filer', () => filer.usage.usageDue(BACKEND.name, new Date('2020-01-01'), 1)],
    [
      'claims and settles as a filer',
      async () => {
        await aFilesystem(one, { name: `filer-${Math.random()}`, scope: 'project', owner: 'project-7' });
        await settle(filer, await claimOne(filer));
      },
    ],
    ['knows who serves which backend', () => one.servings.servings()],
    ['knows the room of a backend', () => readCandidates(one.database, [BACKEND.name], stores.clock.now())],
    ['forgets tombstones', () => one.instances.prune(new Date('2020-01-01'))],
    [
      'stores an event of an instance',
      () => {
        stores.clock.advance(1);
        return one.instances.apply([
          anObservation(stores.clock, 'vm-77', { project: 'nobody', addresses: ['10.200.0.1'] }),
        ]);
      },
    ],
    [
      'creates, claims and settles a filesystem',
      async () => {
        await aFilesystem(one, { name: `new-${Math.random()}`, scope: 'project', owner: 'project-new' });
        await settle(one, await claimOne(one));
      },
    ],
  ];
  it.each(operations)('%s by index', async (_, work) => {
    expect(await readInOrderBy(work)).toBeLessThan(MANY);
  });

  const logOperations: [string, () => Promise<unknown>][] = [
    ['begins to list', () => one.accessLog.list(LOGGED, admin, { limit: 101 })],
    ['lists a page in the middle', () => one.accessLog.list(LOGGED, admin, { marker: MIDDLE, limit: 101 })],
    ['lists an hour', () => one.accessLog.list(LOGGED, admin, { since: MIDDLE.time, until: later(3_600), limit: 101 })],
    ['lists an instance', () => one.accessLog.list(LOGGED, admin, { instanceId: 'vm-77', limit: 101 })],
    ['lists to a member', () => one.accessLog.list(LOGGED, member, { limit: 101 })],
    [
      'lists to who has nothing in it',
      () => one.accessLog.list(LOGGED, { isAdmin: false, projectId: 'nobody' }, { limit: 101 }),
    ],
    ['tells who was let in', () => one.accessLog.at(LOGGED, admin, later(1e6), { marker: 'vm-5', limit: 101 })],
    ['tells a member who was let in', () => one.accessLog.at(LOGGED, member, later(1e6), { limit: 101 })],
    ['forgets nothing', () => one.accessLog.prune(new Date('2020-01-01'), new AbortController().signal)],
  ];
  it.each(logOperations)('%s by index of the access log, and reads a small part of it', async (_, work) => {
    const before = await logRowsRead();
    expect(await readInOrderBy(work)).toBeLessThan(MANY);
    expect((await logRowsRead()) - before).toBeLessThan(ROWS / 2);
  });

  const logRowsRead = async (): Promise<number> => {
    const [row] = await one.database.query<{ rows: string }>(
      `select sum(idx_tup_read) as rows from pg_stat_user_indexes
       where schemaname = 'shared_filesystem' and relname = 'access_log'`,
      [],
    );
    return Number(row?.rows);
  };
});

/** Filesystems of scope project in step, 10 a project, and instances with an address each, 10 a project. */
async function fill({ database, clock }: Stores): Promise<void> {
  await database.query(
    `insert into filesystems (id, name, owner, scope, project, size_bytes, size_text, applied_size_bytes, applied_size_text,
                              backend, desired_revision, applied_revision, used_counted)
     select gen_random_uuid(), 'fs-' || n, 'project-' || n % ($1::int / 10), 'project', 'project-' || n % ($1::int / 10),
            1024, '1Kb', 1024, '1Kb', $2, 1, 1, now()
     from generate_series(1, $1::int) as n`,
    [ROWS, BACKEND.name],
  );
  // as many that are deleted, and wait for their time
  await database.query(
    `insert into filesystems (id, name, owner, scope, size_bytes, size_text, applied_size_bytes, applied_size_text, backend,
                              desired_revision, applied_revision, deletion_wanted, retired, purge_after, next_attempt)
     select gen_random_uuid(), 'fs-' || n, 'project-' || n % ($1::int / 10), 'global', 1024, '1Kb', 1024, '1Kb', $2, 2, 2,
            $3, $3, $3::timestamptz + interval '1 year', $3::timestamptz + interval '1 year'
     from generate_series(1, $1::int) as n`,
    [ROWS, BACKEND.name, clock.now()],
  );
  await database.query(
    `insert into instances (id, project, project_time, project_source, state, state_time, state_source, addresses_time, addresses_source)
     select 'vm-' || n, 'project-' || n % ($1::int / 10), now(), 'host', 'live', now(), 'host', now(), 'host'
     from generate_series(1, $1::int) as n`,
    [ROWS],
  );
  await database.query(
    `insert into instance_addresses (instance_id, address, kind)
     select 'vm-' || n, inet '10.0.0.0' + n, 'fixed' from generate_series(1, $1::int) as n`,
    [ROWS],
  );
  await database.query(
    `insert into access_entries (filesystem_id, instance_id, address)
     select f.id, 'vm-' || n, inet '10.0.0.0' + n
     from generate_series(1, $1::int / 10) as n join filesystems f on f.name = 'fs-' || n`,
    [ROWS],
  );
  await database.query(
    `insert into access_log (filesystem_id, instance_id, address, granted, project, cause, revision, time)
     select $1, 'vm-' || n, inet '10.0.0.0' + n, granted, 'project-' || n % ($2::int / 10), 'spec vm-' || n, 1,
            $3::timestamptz + (n + run * $2::int) * interval '1 second'
     from (values (0, true), (1, false)) as v(run, granted), generate_series(1, $2::int) as n
     where granted or n % 10 > 0
     order by run, n`,
    [LOGGED, ROWS, later(0)],
  );
  await database.query('analyze', []);
}
