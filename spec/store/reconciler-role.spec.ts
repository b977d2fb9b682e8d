import { Client, type DatabaseError } from 'pg';
import type { Filesystem } from '../../lib/domain/filesystem';
import { LARGEST_FOUND_REVISION } from '../../lib/domain/revision';
import type { Claim } from '../../lib/ports/work-store';
import { Database } from '../../lib/store/database';
import { migrate } from '../../lib/store/migrate';
import { grantReconciler, RIGHTS, renewReconcilerRights, revokeReconciler } from '../../lib/store/reconciler-role';
import { type PostgresRole, postgresRole } from '../support/postgres-role';
import { settle } from '../support/settle';
import { anObservation, freshStores, type Stores, storesOver } from '../support/stores';
import { wholeDatabase } from '../support/whole-database';

const OWN = { name: 'own', fingerprint: 'settings' };
const DENIED = '42501';
const NOTHING = '00000000-0000-0000-0000-000000000000';

/** Columns of a table on which a role has a right, by the catalogue. */
const columnsWith = async (stores: Stores, role: string, table: string, right: string): Promise<readonly string[]> =>
  (
    await stores.database.query<{ name: string }>(
      `select attname as name from pg_attribute
       where attrelid = $2::regclass and attnum > 0 and not attisdropped and has_column_privilege($1, attrelid, attnum, $3)
       order by 1`,
      [role, table, right],
    )
  ).map(({ name }) => name);

describe("a reconciler's role", () => {
  let stores: Stores;
  let role: PostgresRole;
  /** As the filer has it. */
  let filer: ReturnType<typeof storesOver>;
  let client: Client;
  let own: Filesystem;
  let foreign: Filesystem;

  beforeAll(async () => {
    stores = await freshStores();
    role = await postgresRole(stores.url);
    await grantReconciler(stores.database, role.name, [OWN.name]);
    filer = storesOver(role.url, stores.clock);
    await filer.backends.register(OWN, 'nfs', [], 'none');
    client = new Client({ connectionString: role.url });
    await client.connect();
    await client.query(`set search_path = ${stores.database.schema}`);

    own = await make('of-the-own', OWN.name);
    foreign = await make('of-another', 'default');
    await say('live', '10.0.0.1');
    await say('ended', '10.0.0.2');
    for (const { id } of [own, foreign]) await connect(id, 'live');
    await settleAll('default', stores);
    await settleAll(OWN.name, stores);
    await stores.database.query(
      `insert into access_faults (filesystem_id, address, message) values ($1, '10.0.0.9', 'x'), ($2, '10.0.0.9', 'x')`,
      [own.id, foreign.id],
    );
    await stores.backends.heartbeat({ name: 'default', fingerprint: 'settings' }, { state: 'up', message: null });
    await stores.instances.apply([anObservation(stores.clock, 'ended', { state: 'gone' })]);
  });
  afterAll(async () => {
    await client.end();
    await filer.database.close();
    await role.drop();
    await stores.close();
  });

  const make = (name: string, backend: string): Promise<Filesystem> =>
    stores.filesystems.transaction('spec', (tx) =>
      tx.create({
        name,
        owner: 'demo',
        attributes: { size: { bytes: 4096n, text: '4Kb' }, scope: 'instance', project: null },
        backend,
      }),
    );
  const say = (id: string, address: string) =>
    stores.instances.apply([anObservation(stores.clock, id, { addresses: [address] })]);
  const connect = (id: string, instance: string) =>
    stores.filesystems.transaction('spec', (tx) => tx.connect(id, instance, { userId: null, projectId: 'demo' }));
  const claims = (name: string, { work }: Pick<Stores, 'work'>): Promise<readonly Claim[]> =>
    work.claim({ name, fingerprint: OWN.fingerprint }, { short: 10, long: 10, purge: 0 });
  const settleAll = async (name: string, over: Pick<Stores, 'work'>): Promise<void> => {
    for (const claim of await claims(name, over)) await settle(over, claim);
  };
  /** With `$own` and `$foreign` the ids of two filesystems. */
  const as = (text: string) => client.query(text.replaceAll('$own', own.id).replaceAll('$foreign', foreign.id));
  const refusal = (text: string): Promise<string> =>
    as(text).then(
      ({ rowCount }) => `it did: ${rowCount} rows`,
      (error: DatabaseError) => error.code ?? '',
    );

  describe('is refused', () => {
    it.each([
      // of its own filesystems: what is wanted
      ...['owner', 'name', 'scope', 'project', 'backend', 'deletion_wanted', 'created', 'id'].map((column) => [
        `to change ${column} of its filesystem`,
        `update filesystems set ${column} = null where id = '$own'`,
      ]),
      ['another size than it has', `update filesystems set size_bytes = 1, size_text = '1' where id = '$own'`],
      [
        'a size in two steps',
        `update filesystems set applied_size_bytes = 1152921504606846976, applied_size_text = 'anything' where id = '$own'`,
      ],
      ['the text of a size in two steps', `update filesystems set applied_size_text = '9Pb' where id = '$own'`],
      [
        'a revision that nobody can have come to',
        `update filesystems set desired_revision = 9223372036854775807, seen_revision = 9223372036854775807 where id = '$own'`,
      ],
      [
        'to leap above what can be found in a storage',
        `update filesystems set desired_revision = 1000000000000002 where id = '$own'`,
      ],
      [
        'to let in an instance that has ended',
        `insert into access_entries values ('$own', 'ended', '10.0.0.2', now())`,
      ],
      ['an older revision', `update filesystems set desired_revision = 0 where id = '$own'`],
      [
        'a wish of attributes',
        `update filesystems set attributes_revision = attributes_revision + 5 where id = '$own'`,
      ],
      [
        'to make a filesystem',
        `insert into filesystems (id, name, owner, scope, size_bytes, size_text, backend)
         values ('${NOTHING}', 'new', 'demo', 'global', 1, '1', 'own')`,
      ],
      // of others
      ['to write an entry of another', `insert into access_entries values ('$foreign', 'live', '10.0.0.66', now())`],
      ['to write a fault of another', `insert into access_faults values ('$foreign', '10.0.0.66', 'x', now())`],
      [
        'to write the log of another',
        `insert into access_log (filesystem_id, instance_id, address, granted, revision) values ('$foreign', 'live', '10.0.0.66', true, 1)`,
      ],
      [
        'to register another backend',
        `insert into backends (name, identity, driver, fingerprint) values ('third', '${NOTHING}', 'nfs', 'x')`,
      ],
      [
        'to serve another backend',
        `insert into backend_reconcilers values ('default', 'p', '1', 'x', 'up', null, now())`,
      ],
      ['another identity of its backend', `update backends set identity = '${NOTHING}'`],
      ['another name of its backend', `update backends set name = 'default'`],
      ['to delete its backend', 'delete from backends'],
      // what is none of its business
      ['causes and projects in the access log', 'select cause, project from access_log'],
      ['to bring back what is retired', `update filesystems set restoring = true where id = '$own'`],
      ['to change the access log', 'delete from access_log'],
      ['who connected', 'select connected_by_user from connections'],
      [
        'to connect',
        `insert into connections (filesystem_id, instance_id, connected_by_project) values ('$own', 'ended', 'x')`,
      ],
      ['to disconnect', 'delete from connections'],
      ['what was heard of instances', 'select heard, ask_reason from instances'],
      ['a whole instance', 'select * from instances'],
      ['to change an instance', `update instances set project = 'x'`],
      ['to ask about an instance', 'update instances set ask_next = now()'],
      ['to make an instance', `insert into instances (id) values ('made')`],
      ['to delete an instance', 'delete from instances'],
      ['MAC addresses and ports', 'select mac, port from instance_addresses'],
      ['to change an address', `update instance_addresses set address = '10.0.0.66'`],
      [
        'to add an address',
        `insert into instance_addresses (instance_id, address, kind) values ('live', '10.0.0.66', 'fixed')`,
      ],
      ['to delete an address', 'delete from instance_addresses'],
      ['the ports', 'select id from ports'],
      ['the deployment', 'select identity from deployment'],
      ['to change the deployment', `update deployment set resync_message = 'x'`],
      ['to grant itself more', `insert into reconciler_grants (role, backend) values (current_user, 'default')`],
      ['to change its grant', `update reconciler_grants set backend = 'default'`],
      ['to migrate', `insert into migrations (name) values ('x')`],
      ['the lock of migrations', 'select is_locked from migrations_lock'],
      ['to make a table', 'create table mine (id int)'],
      ['to make a function', `create function mine() returns int language sql as 'select 1'`],
      ['to change a table', 'alter table filesystems add column mine int'],
      ['to switch the policies off', 'alter table filesystems disable row level security'],
      ['to make a policy', 'create policy mine on filesystems using (true)'],
      ['to drop the guard', 'drop trigger filesystems_guard on filesystems'],
      ['to empty a table', 'truncate access_entries'],
      ['to be somebody else', 'set role postgres'],
    ])('%s', async (_, statement) => {
      const before = await wholeDatabase(stores.database);
      // a column that may not be null is refused for that only behind the rights
      expect(await refusal(statement)).toBe(DENIED);
      expect(await wholeDatabase(stores.database)).toEqual(before);
    });
  });

  describe('cannot write a time that is none', () => {
    const times: Readonly<Record<string, readonly string[]>> = {
      filesystems:
        'retired purge_after purging used_counted usage_wanted fault_created behind_since next_attempt not_before grant_not_before updated'.split(
          ' ',
        ),
      backends: ['heartbeat', 'room_told'],
      backend_reconcilers: ['heartbeat'],
    };

    it('in any column of times that it may change', async () => {
      const found = await stores.database.query<{ column: string }>(
        `select relname || '.' || attname as column from pg_attribute join pg_class c on c.oid = attrelid
         where relnamespace = $2::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
           and atttypid = 'timestamptz'::regtype and has_column_privilege($1, attrelid, attnum, 'update') order by 1`,
        [role.name, stores.database.schema],
      );
      // whoever adds one bounds it
      expect(found.map(({ column }) => column)).toEqual(
        Object.entries(times)
          .flatMap(([table, columns]) => columns.map((column) => `${table}.${column}`))
          .toSorted(),
      );
    });

    it.each(
      Object.entries(times).flatMap(([table, columns]) =>
        columns.flatMap((column) =>
          ['infinity', '294276-01-01', '1999-12-31Z'].map((time) => [table, column, time] as const),
        ),
      ),
    )('of %s as %s: %s', async (table, column, time) => {
      await filer.backends.heartbeat(OWN, { state: 'up', message: null });
      const before = await wholeDatabase(stores.database);
      const also = { fault_created: `, fault_message = 'x'`, room_told: ', room_free_bytes = 1' }[column] ?? '';
      expect(await refusal(`update ${table} set ${column} = '${time}'${also}`)).toBe('23514');
      expect(await wholeDatabase(stores.database)).toEqual(before);
    });

    it.each([
      ['an entry', `insert into access_entries values ('$own', 'live', '10.0.0.66', 'infinity')`],
      ['a fault', `insert into access_faults values ('$own', '10.0.0.66', 'x', 'infinity')`],
      [
        'the log',
        `insert into access_log (filesystem_id, instance_id, address, granted, revision, time) values ('$own', 'live', '10.0.0.66', true, 1, 'infinity')`,
      ],
    ])('of %s', async (_, statement) => {
      expect(await refusal(statement)).toBe('23514');
    });
  });

  it('does not stop anybody by the largest revision that there is', async () => {
    const poisoned = await make('poisoned', OWN.name);
    // nobody but the owner comes so far
    await stores.database.query(
      `update filesystems set scope = 'global', desired_revision = 999999999999999999, seen_revision = 999999999999999999,
         applied_revision = 999999999999999999 where id = $1`,
      [poisoned.id],
    );
    await expect(
      stores.database.query('update filesystems set desired_revision = desired_revision + 1 where id = $1', [
        poisoned.id,
      ]),
    ).rejects.toMatchObject({ code: '23514' });
    await say('in-the-way', '10.0.0.70');
    await stores.instances.apply([anObservation(stores.clock, 'in-the-way', { state: 'gone' })]);
    const [claim] = await claims(OWN.name, filer);
    expect(claim?.filesystemId).toBe(poisoned.id);
    expect(claim && (await filer.work.overtake(claim, 2n ** 70n))).toBe(true);
    await filer.work.distrust(claim ?? { filesystemId: '', backend: '', kind: 'short', leaseToken: 0n, failures: 0 });
    await stores.database.query('delete from filesystems where id = $1', [poisoned.id]);
  });

  it('settles an instance that ended during the run', async () => {
    await stores.database.query(`update instances set changed = now() where id = 'ended'`, []);
    await client.query('begin');
    expect((await as(`insert into access_entries values ('$own', 'ended', '10.0.0.2', now())`)).rowCount).toBe(1);
    await client.query('rollback');
  });

  describe('finds nothing', () => {
    it.each([
      ['of other filesystems', `select id from filesystems where id = '$foreign'`],
      ['of their connections', `select instance_id from connections where filesystem_id = '$foreign'`],
      ['of their entries', `select address from access_entries where filesystem_id = '$foreign'`],
      ['of their faults', `select address from access_faults where filesystem_id = '$foreign'`],
      ['of other backends', `select name from backends where name <> 'own'`],
      ['of who serves them', `select process from backend_reconcilers where backend <> 'own'`],
      ["of other roles' grants", 'select role from reconciler_grants where role <> current_user'],
      ['of instances that have ended', `select id from instances where id = 'ended'`],
      ['of their addresses', `select address from instance_addresses where instance_id = 'ended'`],
      ['to change of other filesystems', `update filesystems set next_attempt = now() where id = '$foreign'`],
      ['to take of other filesystems', `update filesystems set lease_token = 7 where id <> '$own'`],
      ['to delete of filesystems that are not retired', 'delete from filesystems'],
      ['to delete of other entries', `delete from access_entries where filesystem_id = '$foreign'`],
      ['to delete of other faults', `delete from access_faults where filesystem_id = '$foreign'`],
      ['to change of other backends', `update backends set fingerprint = 'mine' where name = 'default'`],
      ['to end of who serves other backends', `delete from backend_reconcilers where backend = 'default'`],
    ])('%s', async (_, statement) => {
      const before = await wholeDatabase(stores.database);
      const { rowCount } = await as(statement);
      expect(rowCount).toBe(0);
      expect(await wholeDatabase(stores.database)).toEqual(before);
    });

    it('by tables of its own that have the names of ours', async () => {
      await client.query('begin');
      await client.query('create temporary table reconciler_grants (role name, backend text)');
      await client.query(`insert into reconciler_grants values (current_user, 'default')`);
      await client.query('set local search_path = pg_temp, shared_filesystem');
      expect((await client.query('select id from filesystems')).rows).toEqual([{ id: own.id }]);
      await client.query('delete from reconciler_grants');
      await expect(
        as(`update filesystems set size_bytes = 1, size_text = '1' where id = '$own'`),
      ).rejects.toMatchObject({
        code: DENIED,
      });
      await client.query('rollback');
    });
  });

  it('may do to every column of a filesystem what was decided, and no more', async () => {
    const mayNot = ['backend', 'created', 'deletion_wanted', 'id', 'name', 'owner', 'project', 'scope', 'status'];
    const all = await columnsWith(stores, role.name, 'filesystems', 'select');
    const may = await columnsWith(stores, role.name, 'filesystems', 'update');
    // whoever adds a column decides: in RIGHTS, or here
    expect(all.filter((column) => !may.includes(column))).toEqual(mayNot);
  });

  it('has rights on no table but those', async () => {
    const tables = await stores.database.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r'`,
      [stores.database.schema],
    );
    for (const { name } of tables.filter((table) => !Object.hasOwn(RIGHTS, table.name)))
      for (const right of ['select', 'insert', 'update'])
        expect([name, right, await columnsWith(stores, role.name, name, right)]).toEqual([name, right, []]);
  });

  describe('works', () => {
    const one = async (): Promise<Claim> => {
      await stores.database.query(
        `update filesystems set next_attempt = '2020-01-01', leased_by = null, failed = false, not_before = '-infinity',
           grant_not_before = '-infinity' where id = $1`,
        [own.id],
      );
      const [claim] = await claims(OWN.name, filer);
      if (!claim) throw new Error('nothing to claim');
      return claim;
    };

    it('reads what should hold as the owner of the tables does', async () => {
      const claim = await one();
      const seen = await filer.work.wanted(claim);
      expect(seen).toEqual(await stores.work.wanted(claim));
      expect(seen?.access.addresses).toEqual(['10.0.0.1']);
      await filer.work.giveBack([claim]);
    });

    it.each<[string, (claim: Claim) => Promise<unknown>, unknown]>([
      ['renews', (claim) => filer.work.renew([claim]).then((held) => held.size), 1],
      ['numbers', (claim) => filer.work.assignNumber(claim, new Set([3]), 9), 4],
      ['settles', (claim) => settle(filer, claim), true],
      ['refuses a resize', (claim) => filer.work.refuseResize(claim, 'too small'), true],
      ['postpones', (claim) => filer.work.postpone(claim, 1_000, 'x'), true],
      ['parks', (claim) => filer.work.park(claim, 99n, 'x'), true],
      ['overtakes', (claim) => filer.work.overtake(claim, 40n), true],
      ['overtakes the largest that is believed', (claim) => filer.work.overtake(claim, LARGEST_FOUND_REVISION), true],
      ['overtakes it once more', (claim) => filer.work.overtake(claim, LARGEST_FOUND_REVISION), true],
      ['gives up', (claim) => filer.work.fail(claim, 'x'), true],
      ['distrusts', (claim) => filer.work.distrust(claim), undefined],
      ['gives back', (claim) => filer.work.giveBack([claim]), undefined],
      ['wakes', () => filer.work.wake(OWN.name, 'all'), undefined],
      ['looks for the dead', () => filer.work.releaseDead([OWN.name]), 0],
      ['looks when work is due', () => filer.work.nextDue(OWN.name, ['purge']), null],
      ['measures the lag', () => filer.work.lag(OWN.name).then(({ due }) => due >= 0), true],
      ['bumps anew', () => filer.backends.rebump(OWN.name), false],
      ['marks', () => filer.backends.enroll(OWN.name, () => Promise.resolve(true)), undefined],
      [
        'tells that it serves',
        () => filer.backends.heartbeat(OWN, { state: 'up', message: null }),
        { fingerprint: OWN.fingerprint, isUpElsewhere: false },
      ],
      ['tells its room', () => filer.backends.tellRoom(OWN.name, { totalBytes: 9n, freeBytes: 5n }), undefined],
      ['leaves', () => filer.backends.leave(OWN.name), undefined],
      ['counts', () => filer.usage.recordUsage(OWN.name, new Map([[own.id, 7n]])), undefined],
      ['looks what to count', () => filer.usage.usageDue(OWN.name, new Date(0), 5), []],
    ])('%s', async (_, work, result) => {
      expect(await work(await one())).toEqual(result);
    });

    it('compares its backend, and notes what differs', async () => {
      const { drift } = filer;
      await settle(filer, await one());
      expect(await drift.count(OWN.name)).toBeGreaterThan(0);
      expect(await drift.ids(OWN.name, null, 10)).toContain(own.id);
      const seen = await drift.atRest(own.id);
      if (!seen) throw new Error('it is not at rest');
      expect(await drift.catchUp({ ...seen, leaseToken: 0n }, 1n)).toBe(false);
      const found = { extra: ['10.0.0.99'], missing: ['10.0.0.1'], foreign: [] };
      expect(await drift.note(seen, found, true)).toEqual({ extra: ['10.0.0.99'], missing: ['10.0.0.1'] });
      // what the repair then brings
      await settle(filer, await one());
      expect((await drift.atRest(own.id))?.confirmed).toEqual(['10.0.0.1']);
    });

    it('looks for orphans and lost volumes', async () => {
      const { orphans } = filer;
      expect(await orphans.identity(OWN.name)).toMatch(/^[0-9a-f-]{36}$/);
      expect(await orphans.withoutRow(OWN.name, [own.id, NOTHING])).toEqual([NOTHING]);
      expect(
        await orphans.heldByLive(['10.0.0.1', '10.0.0.99'], { scope: 'global', project: null, owner: 'demo' }),
      ).toEqual(['10.0.0.1']);
      await settle(filer, await one());
      expect(await orphans.absent(OWN.name, [])).toContain(own.id);
      expect(await orphans.lookAgain([own.id])).toBe(1);
    });

    it('puts back what was restored', async () => {
      await settle(filer, await one());
      await stores.database.query('update filesystems set restoring = true where id = $1', [own.id]);
      expect(await filer.work.settleRestored(await one())).toBe(true);
    });

    it('bumps all of its filesystems when its settings are others', async () => {
      const other = { ...OWN, fingerprint: 'others' };
      await filer.backends.register(other, 'nfs', [], 'none');
      expect(await filer.backends.rebump(OWN.name)).toBe(true);
      await filer.backends.register(OWN, 'nfs', [], 'none');
      while (await filer.backends.rebump(OWN.name));
    });

    it('withdraws, retires and purges', async () => {
      await settle(filer, await one());
      await stores.filesystems.transaction('spec', (tx) => tx.markDeleting(own.id));
      await settle(filer, await one());
      const [purge] = await filer.work.claim(OWN, { short: 0, long: 0, purge: 1 });
      expect(purge?.filesystemId).toBe(own.id);
      expect(purge && (await filer.work.settlePurged(purge))).toBe(true);
      const log = await stores.database.query<{ granted: boolean; cause: string }>(
        'select granted, cause from access_log where filesystem_id = $1 order by id desc limit 1',
        [own.id],
      );
      expect(log).toEqual([{ granted: false, cause: 'spec live' }]);
    });
  });
});

describe('migrate --grant-reconciler', () => {
  let stores: Stores;
  let role: PostgresRole;
  beforeEach(async () => {
    stores = await freshStores();
    role = await postgresRole(stores.url);
  });
  afterEach(async () => {
    await role.drop();
    await stores.close();
  });

  const granted = () => stores.database.query('select backend from reconciler_grants order by backend', []);

  it('says how to make a role that there is not', async () => {
    await expect(grantReconciler(stores.database, 'nobody-"s', ['a'])).rejects.toThrow(
      'create role "nobody-""s" login password',
    );
    expect(await granted()).toEqual([]);
  });

  const limits = async () =>
    (
      await stores.database.query<{ setting: string }>(
        `select unnest(setconfig) as setting from pg_db_role_setting
         where setrole = $1::regrole and setdatabase = (select oid from pg_database where datname = current_database())
         order by 1`,
        [role.name],
      )
    ).map(({ setting }) => setting);

  it('limits how long its sessions hold others up, and takes that back', async () => {
    expect(await grantReconciler(stores.database, role.name, ['a'])).toBe(true);
    expect(await limits()).toEqual([
      'idle_in_transaction_session_timeout=60s',
      'lock_timeout=30s',
      'statement_timeout=60s',
    ]);
    await revokeReconciler(stores.database, role.name);
    expect(await limits()).toEqual([]);
  });

  it('gives the rights also where it may not change roles, and says so', async () => {
    const owner = await postgresRole(stores.url);
    const [{ name } = { name: '' }] = await stores.database.query<{ name: string }>(
      'select current_database() as name',
      [],
    );
    await stores.database.query(`grant create on database "${name}" to ${owner.name}`, []);
    const database = new Database({ connectionString: owner.url, schema: 'of_another' });
    await migrate(database);
    expect(await grantReconciler(database, role.name, ['a'])).toBe(false);
    expect(await database.query('select backend from reconciler_grants', [])).toEqual([{ backend: 'a' }]);
    expect(await limits()).toEqual([]);
    await revokeReconciler(database, role.name);
    await database.close();
    await owner.drop();
  });

  it('refuses a role that is held to no policy', async () => {
    const [{ name } = { name: '' }] = await stores.database.query<{ name: string }>('select current_user as name', []);
    await expect(grantReconciler(stores.database, name, ['a'])).rejects.toThrow('held to no row policy');
  });

  it('refuses what is no backend’s name', async () => {
    await expect(grantReconciler(stores.database, role.name, ["a'b"])).rejects.toThrow('no backend');
  });

  it('leaves of earlier backends none', async () => {
    await grantReconciler(stores.database, role.name, ['a', 'b']);
    await grantReconciler(stores.database, role.name, ['b', 'c', 'c']);
    expect(await granted()).toEqual([{ backend: 'b' }, { backend: 'c' }]);
  });

  it('gives rights again after a migration, and takes them back', async () => {
    await grantReconciler(stores.database, role.name, ['a']);
    const may = () => columnsWith(stores, role.name, 'filesystems', 'update');
    const all = await may();
    await stores.database.query(`revoke all on filesystems from ${role.name}`, []);
    await renewReconcilerRights(stores.database);
    expect(await may()).toEqual(all);
    await revokeReconciler(stores.database, role.name);
    expect(await may()).toEqual([]);
    expect(await granted()).toEqual([]);
    await revokeReconciler(stores.database, 'nobody');
  });

  it('does not hinder who starts with a role that has gone', async () => {
    const gone = await postgresRole(stores.url);
    await grantReconciler(stores.database, gone.name, ['a']);
    await gone.drop();
    await renewReconcilerRights(stores.database);
    await migrate(stores.database);
  });
});
