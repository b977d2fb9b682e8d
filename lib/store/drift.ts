import type { Knex } from 'knex';
import { type AccessDrift, isInStep } from '../domain/drift';
import type { Clock } from '../ports/clock';
import type { AtRest, DriftStore, Noted } from '../ports/drift-store';
import { bump, DUE_NOW } from './bump';
import { type Database, within } from './database';
import { DRIFT, foreignAccessSql } from './foreign-access';
import { ABOVE } from './release';
import { type FilesystemTableRow, filesystemColumns, toFilesystem } from './rows';

/** There is a volume, and nobody works on it or is about to: what is confirmed of it is so. */
const AT_REST = `f.leased_by is null and f.applied_size_bytes is not null
  and (f.applied_revision = f.desired_revision or f.failed)`;

type AtRestRow = FilesystemTableRow & {
  readonly retired: Date | null;
  readonly lease_token: string;
  readonly has_foreign: boolean;
  readonly confirmed: readonly string[];
};

/** The comparison of backends with the access entries, in Postgres. Any number of processes may compare the same backend. */
export class PostgresDrift implements DriftStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async count(backend: string): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(
      'select count(*)::integer as count from filesystems where backend = $1 and applied_size_bytes is not null',
      [backend],
    );
    return row?.count ?? 0;
  }

  async ids(backend: string, after: string | null, limit: number): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select id from filesystems
       where backend = $1 and ($2::uuid is null or id > $2::uuid) and applied_size_bytes is not null
       order by id limit $3`,
      [backend, after, limit],
    );
    return rows.map(({ id }) => id);
  }

  async atRest(id: string): Promise<AtRest | null> {
    const [row] = await this.database.query<AtRestRow & Record<string, unknown>>(
      `select ${filesystemColumns('f')}, f.retired, f.lease_token, exists (${foreignAccessSql('f.id')}) as has_foreign,
         array(select distinct e.address from access_entries e where e.filesystem_id = f.id)::text[] as confirmed
       from filesystems f where f.id = $1 and ${AT_REST}`,
      [id],
      'at-rest',
    );
    return row
      ? {
          volume: toFilesystem(row),
          retired: row.retired !== null,
          hasForeign: row.has_foreign,
          // full length: as an address alone
          confirmed: row.confirmed.map((each) => each.replace(/\/\d+$/, '')),
          leaseToken: BigInt(row.lease_token),
        }
      : null;
  }

  async note(seen: AtRest, drift: AccessDrift, repair: boolean): Promise<Noted | null> {
    const now = this.clock.now();
    const { id } = seen.volume;
    return this.database.transaction(async (trx) => {
      const revision = await stillAtRest(trx, seen);
      if (revision === null) return null;
      const extra = await noteForeign(trx, id, drift.extra, revision, now);
      const missing = await noteMissing(trx, id, drift.missing, revision, now);
      if (repair && !isInStep(drift))
        await bump(trx, this.database.schema, [{ id, withdraws: true, cause: DRIFT }], now);
      return { extra, missing };
    });
  }

  async catchUp({ volume: { id }, leaseToken }: AtRest, revision: bigint): Promise<boolean> {
    const rows = await this.database.query(
      `with behind as (
         update filesystems f set
           desired_revision = ${ABOVE('$3')}, withdraw_revision = ${ABOVE('$3')},
           volume_fingerprint = null, next_attempt = ${DUE_NOW('$4::timestamptz')},
           behind_since = coalesce(f.behind_since, $4), cause = $5
         where f.id = $1 and f.lease_token = $2 and f.retired is null and ${AT_REST}
         returning f.id
       )
       select pg_notify($6, '') from behind`,
      [id, leaseToken, revision, this.clock.now(), DRIFT, this.database.schema],
    );
    return rows.length > 0;
  }
}

/** Holds the row. @returns its desired revision; null: somebody has worked on it since, or is about to */
async function stillAtRest(trx: Knex.Transaction, { volume, leaseToken }: AtRest): Promise<string | null> {
  const [row] = await within(trx).query<{ desired_revision: string }>(
    `select f.desired_revision from filesystems f
     where f.id = $1 and f.lease_token = $2 and ${AT_REST} for no key update of f`,
    [volume.id, leaseToken],
  );
  return row?.desired_revision ?? null;
}

/** Foreign addresses that have come, and those that have gone by themselves. @returns those that have come */
async function noteForeign(
  trx: Knex.Transaction,
  id: string,
  extra: readonly string[],
  revision: string,
  now: Date,
): Promise<readonly string[]> {
  const rows = await within(trx).query<{ address: string; granted: boolean }>(
    `with present as materialized (${foreignAccessSql('$1::uuid')}),
     found as (select address from unnest($2::inet[]) as found(address))
     insert into access_log (filesystem_id, instance_id, address, granted, cause, revision, time)
     select $1, null, changed.address, changed.granted, $3, $4, $5 from (
       select address, true as granted from found where address not in (select address from present)
       union all select address, false from present where address not in (select address from found)
     ) as changed
     returning host(address) as address, granted`,
    [id, extra, DRIFT, revision, now],
  );
  return rows.filter(({ granted }) => granted).map(({ address }) => address);
}

/** The backend was confirmed not to let them in. @returns those that had entries until now */
async function noteMissing(
  trx: Knex.Transaction,
  id: string,
  missing: readonly string[],
  revision: string,
  now: Date,
): Promise<readonly string[]> {
  if (missing.length === 0) return [];
  const rows = await within(trx).query<{ address: string }>(
    `with gone as (
       delete from access_entries where filesystem_id = $1 and address = any($2::inet[])
       returning instance_id, address
     )
     insert into access_log (filesystem_id, instance_id, address, granted, project, cause, revision, time)
     select $1, gone.instance_id, gone.address, false, i.project, $3, $4, $5
     from gone left join instances i on i.id = gone.instance_id
     returning host(address) as address`,
    [id, missing, DRIFT, revision, now],
  );
  return [...new Set(rows.map(({ address }) => address))];
}
