import { accessDifference } from '../domain/access-difference';
import { DISPUTED, SURPLUS } from '../domain/entitlement';
import type { AccessSettlement, Claim, Release, Wanted } from '../ports/work-store';
import type { Database } from './database';
import { DRIFT, foreignAccessSql } from './foreign-access';
import { RELEASE, releaseValues } from './release';

const NO_RELEASE: Release = { pause: 0, grantPause: 0, retryAfter: null };

/**
 * Records what the backend has after a call: the applied revision, the difference of the access entries, their log, and the
 * faults of single addresses, by one statement that the lease token guards (docs/architecture.md, rule 3). The log tells of
 * each instance's own change what said it (docs/api.md, "Access log").
 * @returns false when the lease is lost; nothing is changed then
 */
export async function settleAccess(
  database: Database,
  now: Date,
  { filesystemId, leaseToken }: Claim,
  wanted: Wanted,
  { applied, refused, complete, kept = new Set() }: AccessSettlement,
  release: Release | null,
): Promise<boolean> {
  const entries = wanted.claims.filter(({ address }) => applied.has(address));
  const { granted, withdrawn: gone } = accessDifference(entries, wanted.entries);
  const withdrawn = gone.filter(({ address }) => !kept.has(address));
  const faults = new Map([
    ...wanted.surplus.map((address) => [address, SURPLUS] as const),
    ...wanted.disputed.map((address) => [address, DISPUTED] as const),
    ...refused,
  ]);
  const rows = await database.query(
    settleSql(release !== null),
    [
      filesystemId,
      leaseToken,
      now,
      ...releaseValues(wanted, release ?? NO_RELEASE, now),
      complete,
      applied.size + kept.size,
      withdrawn.map(({ instanceId }) => instanceId),
      withdrawn.map(({ address }) => address),
      granted.map(({ instanceId }) => instanceId),
      granted.map(({ address }) => address),
      [...faults.keys()],
      [...faults.values()],
      wanted.cause,
      wanted.behindSince,
      wanted.readAt,
    ],
    release ? 'settle-and-release' : 'settle',
  );
  return rows.length > 0;
}

/** `$1` the filesystem, `$2` the token, `$3` now, `$4` the revision, `$5` to `$7` those of `RELEASE`. */
function settleSql(release: boolean): string {
  return `
    with settled as (
      update filesystems f set
        ${release ? `${RELEASE},` : ''}
        applied_revision = case when $8::boolean then $4::bigint else f.applied_revision end,
        behind_since = case when not $8::boolean then f.behind_since when f.desired_revision > $4::bigint then $18::timestamptz end,
        access_count = $9
      where f.id = $1 and f.lease_token = $2
        and coalesce($5::timestamptz, $6::timestamptz, $7::timestamptz, $3::timestamptz) is not null
      returning f.id
    ),
    withdrawn as (
      delete from access_entries e using settled, unnest($10::text[], $11::inet[]) as w(instance_id, address)
      where e.filesystem_id = settled.id and e.instance_id = w.instance_id and e.address = w.address
      returning e.instance_id, e.address
    ),
    granted as (
      insert into access_entries (filesystem_id, instance_id, address, applied)
      select settled.id, g.instance_id, g.address, $3::timestamptz
      from settled, unnest($12::text[], $13::inet[]) as g(instance_id, address)
      returning instance_id, address
    ),
    logged as (
      insert into access_log (filesystem_id, instance_id, address, granted, project, cause, revision, time)
      select settled.id, changed.instance_id, changed.address, changed.granted, i.project,
        -- what was last said of the instance, if it came with what this run brings about; else what came last of all
        case when i.changed between $17::timestamptz and $18::timestamptz then i.cause || ' ' || i.id else $16::text end,
        $4::bigint, $3::timestamptz
      from settled, (
        select instance_id, address, false as granted from withdrawn
        union all select instance_id, address, true from granted
      ) as changed
      left join instances i on i.id = changed.instance_id
    ),
    -- the list that stands now is ours alone
    foreign_gone as (
      insert into access_log (filesystem_id, instance_id, address, granted, cause, revision, time)
      select settled.id, null, present.address, false, '${DRIFT}', $4::bigint, $3::timestamptz
      from settled cross join lateral (${foreignAccessSql('settled.id')}) as present
    ),
    cleared as (
      delete from access_faults x using settled
      where x.filesystem_id = settled.id and x.address <> all($14::inet[])
    ),
    faulted as (
      insert into access_faults (filesystem_id, address, message, created)
      select settled.id, x.address, x.message, $3::timestamptz
      from settled, unnest($14::inet[], $15::text[]) as x(address, message)
      on conflict (filesystem_id, address) do update set message = excluded.message
    )
    -- not waited for by a flush: what a crash of Postgres loses of it is done again, since the claim before it was flushed
    select id, set_config('synchronous_commit', 'off', true) from settled`;
}
