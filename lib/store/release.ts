import { LARGEST_REVISION } from '../domain/revision';
import type { Release, Wanted } from '../ports/work-store';

/*
 * How a row leaves a run, as the `set` of an update: `$1` the filesystem, `$2` the lease's token, `$3` now.
 */

/** Nobody's any more: the token was the lease's last. Whatever is wanted by now may have been read under it. */
export const FREE = 'leased_by = null, lease_token = f.lease_token + 1, seen_revision = f.desired_revision';

/** `$4` the revision that was worked on, `$5` when to try refused addresses again or null, `$6` and `$7` the pauses' ends. */
export const RELEASE = `
  failed = false, failures = 0, last_error = null,
  fault_message = case when f.failed or f.failures > 0 then null else f.fault_message end,
  fault_created = case when f.failed or f.failures > 0 then null else f.fault_created end,
  next_attempt = case when f.desired_revision > $4::bigint then $3 else $5::timestamptz end,
  not_before = $6, grant_not_before = $7, ${FREE}`;

/**
 * A run that failed and is tried again: `$4` the reason for the log, `$5` what the owner reads. The fault keeps the moment of
 * the first failure in a row.
 */
const TROUBLED = `last_error = $4, fault_message = $5,
  fault_created = case when f.failures > 0 and f.fault_created is not null then f.fault_created else $3 end`;

/** Due again at `$6`. */
export const POSTPONE = `failures = f.failures + 1, ${TROUBLED}, next_attempt = $6, ${FREE}`;

/** Waits until something wakes it; due now when the desired revision is past `$6`. */
export const PARK = `failures = greatest(f.failures, 1), ${TROUBLED},
  -- a change that came meanwhile may take somebody's access away
  next_attempt = case when f.desired_revision > $6::bigint then $3 end, ${FREE}`;

/** Above a row's revision and one that was found, which is in SQL. */
export const ABOVE = (found: string): string =>
  `least(greatest(f.desired_revision, ${found}::numeric) + 1, ${LARGEST_REVISION})::bigint`;

/** The backend is ahead of the database, by revision `$4`: due now, above it. */
export const OVERTAKE = `
  desired_revision = ${ABOVE('$4')}, withdraw_revision = ${ABOVE('$4')},
  behind_since = coalesce(f.behind_since, $3), next_attempt = $3, ${FREE}`;

/** Given up until somebody changes what is wanted: `$4` says why, to its owner too. */
export const FAIL = `failed = true, failures = f.failures + 1, last_error = $4, fault_message = $4, fault_created = $3,
  updated = $3, next_attempt = null, ${FREE}`;

/** Out of service; `$4` when its data is to be purged. */
export const RETIRE = `retired = $3, purge_after = $4, restoring = false, applied_revision = f.desired_revision, behind_since = null, failures = 0,
  fault_message = null, fault_created = null, last_error = null, next_attempt = $4, ${FREE}`;

/** The values of `RELEASE` from `$4` on. */
export function releaseValues(wanted: Wanted, { pause, grantPause, retryAfter }: Release, now: Date): unknown[] {
  return [
    wanted.access.revision,
    retryAfter === null ? null : after(now, retryAfter),
    after(now, pause),
    after(now, grantPause),
  ];
}

/** A moment so many milliseconds later. */
export function after(now: Date, milliseconds: number): Date {
  return new Date(now.getTime() + milliseconds);
}
