import type { Knex } from 'knex';
import { LARGEST_REVISION } from '../domain/revision';
import type { Cause } from '../ports/viewer';

/** A filesystem whose entitlement may have changed, and how. */
export interface Bump {
  readonly id: string;
  /** Somebody may lose access: such a run goes before those that only grant (rule 15). */
  readonly withdraws: boolean;
  readonly cause: Cause;
}

/**
 * When a row with a change is due, of the alias `f`: at once. A back-off and a lease are kept; a row that only waits to try
 * refused addresses again does not wait with a change, which may take somebody's access away.
 * @param now in SQL
 */
export const DUE_NOW = (now: string): string => `case
  when f.leased_by is null and f.failures = 0 then least(coalesce(f.next_attempt, ${now}), ${now})
  else coalesce(f.next_attempt, ${now}) end`;

/** One revision above that of the alias `f`: a row at the largest one is in nobody's way. */
export const NEXT_REVISION = `least(f.desired_revision + 1, ${LARGEST_REVISION})`;

/**
 * Raises the desired revision of all these filesystems by one statement, the last before the commit (rules 1, 2 and 4):
 * rows are locked in the order of their ids, so that two of these never wait for each other in a circle. A row that waits
 * already keeps its moment: back-off and lease stay (`DUE_NOW`). Wakes the reconcilers at the commit.
 *
 * A revision that no run has read yet is not raised again: whoever claims the row, after this commit since it is locked until
 * then, reads this change with it. In a storm that is nearly every row.
 */
export async function bump(trx: Knex.Transaction, schema: string, bumps: readonly Bump[], now: Date): Promise<void> {
  if (bumps.length === 0) return;
  await trx.raw(
    `with said as (
       select * from unnest(:ids::uuid[], :withdraws::boolean[], :causes::text[]) as said(id, withdraws, cause)
     ),
     concerned as materialized (
       select f.id,
         f.leased_by is null and f.next_attempt is not null and f.desired_revision > f.seen_revision as is_unread,
         f.withdraw_revision > f.applied_revision as is_withdrawing
       from filesystems f
       where f.id = any(:ids::uuid[]) and f.retired is null
       order by f.id for no key update
     ),
     bumped as (
       update filesystems f set
         desired_revision = ${NEXT_REVISION},
         withdraw_revision = case when said.withdraws then ${NEXT_REVISION} else f.withdraw_revision end,
         next_attempt = ${DUE_NOW(':now::timestamptz')},
         behind_since = coalesce(f.behind_since, :now),
         cause = said.cause
       from concerned join said using (id)
       where f.id = concerned.id and not (is_unread and (is_withdrawing or not said.withdraws))
       returning 1
     )
     select pg_notify(:schema, '') from (select from bumped limit 1) as any_bumped`,
    {
      ids: bumps.map(({ id }) => id),
      withdraws: bumps.map(({ withdraws }) => withdraws),
      causes: bumps.map(({ cause }) => cause),
      now,
      schema,
    },
  );
}
