import type { Knex } from 'knex';
import { errorCode } from '../error-code';
import type { Database } from './database';

/**
 * What a reconciler's role may do with the tables (docs/filers.md, "What its role may do"); of which rows, the policies say
 * (migration 0007). A column that is not here is none of its business: `spec/store/reconciler-role.spec.ts` holds that against all
 * that a run needs.
 */
export const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  migrations: ['select (name)'],
  reconciler_grants: ['select'],
  backends: [
    'select',
    'insert (name, identity, driver, fingerprint, lacks, isolation, heartbeat)',
    `update (driver, marked, fingerprint, rebumped_to, lacks, isolation, heartbeat,
       room_total_bytes, room_free_bytes, room_promised_bytes, room_told)`,
  ],
  backend_reconcilers: ['select', 'insert', 'update', 'delete'],
  filesystems: [
    'select',
    // never whose it is, who may use it, where it is, and whether it is to be there; of its size what the guard lets through
    `update (size_bytes, size_text, applied_size_bytes, applied_size_text, volume_fingerprint, attributes_revision,
       retired, purge_after, purging, restoring, number, export_location, protocol, used_bytes, used_counted, usage_wanted, failed, fault_message, fault_created, last_error,
       desired_revision, applied_revision, withdraw_revision, seen_revision, cause, behind_since, access_count,
       next_attempt, not_before, grant_not_before, leased_by, lease_token, failures, updated)`,
    'delete',
  ],
  connections: ['select (filesystem_id, instance_id)'],
  instances: ['select (id, project, state, changed, cause)'],
  instance_addresses: ['select (instance_id, address, kind, network, position, doubted)'],
  access_entries: ['select', 'insert', 'delete'],
  access_faults: ['select', 'insert', 'update (message)', 'delete'],
  // of the log what tells who is let in that no instance has
  access_log: [
    'select (id, filesystem_id, instance_id, address, granted)',
    'insert (filesystem_id, instance_id, address, granted, project, cause, revision, time)',
  ],
};

/**
 * Lets a role of Postgres work on these backends, and on no others any more.
 * @returns whether this role could set limits for it (`LIMITS`): whoever may not change roles cannot
 * @throws Error with what to do, when there is no such role or it is held to no policy
 */
export async function grantReconciler(database: Database, role: string, backends: readonly string[]): Promise<boolean> {
  const wrong = backends.find((name) => !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name));
  if (wrong !== undefined)
    throw new Error(
      `"${wrong}" is no backend's name: expected 1 to 63 of A-Z a-z 0-9 . _ -, the first a letter or digit.`,
    );
  return database.transaction(async (trx) => {
    await requireRole(trx, role);
    await trx('reconciler_grants').where({ role }).delete();
    await trx('reconciler_grants').insert([...new Set(backends)].map((backend) => ({ role, backend })));
    await giveRights(trx, database.schema, role);
    return limit(trx, role, LIMITS);
  });
}

/** Takes from a role what `grantReconciler` gave it. The role itself stays. No such role: no error. */
export async function revokeReconciler(database: Database, role: string): Promise<void> {
  await database.transaction(async (trx) => {
    await trx('reconciler_grants').where({ role }).delete();
    const [found] = await trx('pg_catalog.pg_roles').select('rolname').where({ rolname: role });
    if (!found) return;
    await takeRights(trx, database.schema, role);
    await limit(trx, role, null);
  });
}

/** After a migration: tables and columns are others than when the rights were given. Roles that are not there any more are passed over. */
export async function renewReconcilerRights(database: Database): Promise<void> {
  await database.transaction(async (trx) => {
    const { rows } = await trx.raw<{ rows: { role: string }[] }>(
      'select distinct g.role from reconciler_grants g join pg_catalog.pg_roles r on r.rolname = g.role',
    );
    for (const { role } of rows) await giveRights(trx, database.schema, role);
  });
}

/**
 * What ends the sessions of a filer that hangs while it holds locks: others wait for these, withdrawals too. Defaults of its
 * sessions in this database, which a session can change: they hold nobody who means it.
 */
const LIMITS = { statement_timeout: '60s', lock_timeout: '30s', idle_in_transaction_session_timeout: '60s' };

/** SQLSTATE: insufficient privilege. */
const DENIED = '42501';

/** @param limits null: none any more */
async function limit(trx: Knex.Transaction, role: string, limits: typeof LIMITS | null): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: { name: string }[] }>('select current_database() as name');
  const [{ name } = { name: '' }] = rows;
  try {
    await trx.transaction(async (attempt) => {
      for (const [setting, value] of Object.entries(LIMITS))
        await (limits === null
          ? attempt.raw(`alter role ?? in database ?? reset ${setting}`, [role, name])
          : attempt.raw(`alter role ?? in database ?? set ${setting} = '${value}'`, [role, name]));
    });
    return true;
  } catch (error) {
    if (errorCode(error) !== DENIED) throw error;
    return false;
  }
}

async function requireRole(trx: Knex.Transaction, role: string): Promise<void> {
  const { rows } = await trx.raw<{ rows: { free: boolean }[] }>(
    `select r.rolsuper or r.rolbypassrls or pg_has_role(r.oid, t.relowner, 'usage') as free
     from pg_catalog.pg_roles r, pg_catalog.pg_class t where r.rolname = ? and t.oid = 'filesystems'::regclass`,
    [role],
  );
  const [found] = rows;
  if (!found)
    throw new Error(
      `There is no role "${role}" in this Postgres. Make it first, as an administrator of it: create role "${role.replaceAll('"', '""')}" login password '...';`,
    );
  if (found.free)
    throw new Error(
      `The role "${role}" is held to no row policy: it is a superuser, has BYPASSRLS, or has the rights of the tables' owner. Take another one.`,
    );
}

async function giveRights(trx: Knex.Transaction, schema: string, role: string): Promise<void> {
  await takeRights(trx, schema, role);
  await trx.raw('grant usage on schema ?? to ??', [schema, role]);
  for (const [table, rights] of Object.entries(RIGHTS))
    for (const right of rights) await trx.raw(`grant ${right} on ?? to ??`, [table, role]);
}

async function takeRights(trx: Knex.Transaction, schema: string, role: string): Promise<void> {
  await trx.raw('revoke all on all tables in schema ?? from ??', [schema, role]);
  await trx.raw('revoke all on schema ?? from ??', [schema, role]);
}
