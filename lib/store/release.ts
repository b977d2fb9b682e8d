import type { Release, Wanted } from '../ports/work-store';

/** Nobody's any more: the token was the lease's last. Whatever is wanted by now may have been read under it. */
export const FREE = 'leased_by = null, lease_token = f.lease_token + 1, seen_revision = f.desired_revision';

/** `$4` the revision that was worked on, `$5` when to try refused addresses again or null, `$6` and `$7` the pauses' ends. */
export const RELEASE = `
  failed = false, failures = 0, last_error = null,
  fault_message = case when f.failed or f.failures > 0 then null else f.fault_message end,
  fault_created = case when f.failed or f.failures > 0 then null else f.fault_created end,
  next_attempt = case when f.desired_revision > $4::bigint then $3 else $5::timestamptz end,
  not_before = $6, grant_not_before = $7, ${FREE}`;

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
