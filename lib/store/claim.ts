/*
 * The statement that claims (docs/architecture.md, rule 4), and the words that it shares with others. Of one kind the one that
 * has waited longest goes first: by length, the longer ones would wait for ever while there are more changes than runs.
 */

/** When a row may be run again after its last run: a run that only grants waits longer (rule 15). */
export const NOT_BEFORE = `case when f.withdraw_revision > f.applied_revision or f.retired is not null
                         then f.not_before else f.grant_not_before end`;

/** Lists that take noticeable time to compute and write: short ones do not wait behind them. */
const LONG_LIST = 500;

/** The `ClaimKind` of a row. */
export const KIND = `case when f.retired is not null then 'purge' when f.access_count > ${LONG_LIST} then 'long' else 'short' end`;

/** `$1` now, `$2` the backend, `$3` its fingerprint as configured, `$4` the lease's end, `$5` who, `$6` to `$8` how many of each kind. */
export const CLAIM = `
  with ${(['short', 'long', 'purge'] as const)
    .map(
      (kind, index) => `${kind} as materialized (
    select f.id, '${kind}' as kind from filesystems f
    where f.next_attempt is not null and f.next_attempt <= $1 and f.backend = $2 and ${KIND} = '${kind}'
      and ${NOT_BEFORE} <= $1
      and exists (select from backends b where b.name = $2 and b.fingerprint = $3)
    order by f.next_attempt, f.id limit $${6 + index}
    for no key update of f skip locked
  )`,
    )
    .join(', ')},
  due as (table short union all table long union all table purge)
  update filesystems f set next_attempt = $4, lease_token = f.lease_token + 1, leased_by = $5
  from due where f.id = due.id
  returning f.id, due.kind, f.lease_token, f.failures`;
