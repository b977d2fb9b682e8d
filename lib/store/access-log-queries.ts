import type { AccessLogQuery } from '../ports/access-log-store';
import type { Statement } from './filesystem-queries';

/** Whose rows of the log a viewer may see: null is everybody's. */
type VisibleProject = string | null;

/** Rows of the log, the oldest first: a walk along the index by time, or by project and time. */
export function listStatement(
  filesystemId: string,
  visibleProject: VisibleProject,
  { since, until, instanceId, address, marker, limit }: AccessLogQuery,
): Statement {
  const values: unknown[] = [filesystemId, limit];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const conditions: string[] = [];
  // one bound below, whichever is higher: ids begin at 1
  const from = since && !(marker && marker.time >= since) ? { time: since, id: 0n } : marker;
  if (from) conditions.push(`(time, id) > (${parameter(from.time)}::timestamptz, ${parameter(from.id)}::bigint)`);
  if (until) conditions.push(`time < ${parameter(until)}`);
  if (instanceId !== undefined) conditions.push(`instance_id = ${parameter(instanceId)}`);
  if (address !== undefined) conditions.push(`address = ${parameter(address)}::inet`);
  if (visibleProject !== null) conditions.push(`project = ${parameter(visibleProject)}`);
  return {
    name: '',
    values,
    text: `
      select id, time, instance_id, host(address) as address, granted, cause, revision
      from access_log where ${['filesystem_id = $1', ...conditions].join(' and ')}
      order by time, id limit $2`,
  };
}

/**
 * The next so many instances behind an id that were let in at some time until then, each with the addresses that were let in
 * at that time: whose last row until then is a grant. The last by id, as the runs followed each other. A member's instances
 * come from his project's own rows: what others have written costs him nothing.
 */
export function atStatement(
  filesystemId: string,
  visibleProject: VisibleProject,
  time: Date,
  marker: string,
  limit: number,
): Statement {
  const own = visibleProject === null ? '' : 'and project = $5';
  return {
    name: '',
    values: [filesystemId, time, marker, limit, ...(visibleProject === null ? [] : [visibleProject])],
    text: `
      select ever.instance_id, let_in.addresses
      from (
        select distinct instance_id from access_log
        where filesystem_id = $1 and instance_id > $3 and time <= $2 and granted ${own}
        order by instance_id limit $4
      ) as ever
      cross join lateral (
        select coalesce(array_agg(host(address) order by address), '{}') as addresses
        from (
          select distinct on (address) address, granted, project from access_log
          where filesystem_id = $1 and instance_id = ever.instance_id and time <= $2
          order by address, id desc
        ) as latest
        where granted ${own}
      ) as let_in
      order by ever.instance_id`,
  };
}

/**
 * Looks at the next `$3` rows behind the id `$1`, and removes what is older than `$2` and tells nothing of the time from
 * then on: a withdrawal whose grant goes too or has gone, and a grant behind which something old came. By id: a grant goes
 * no later than its withdrawal, so that none is ever left alone.
 */
export const PRUNE = `
  with step as materialized (
    select id, filesystem_id, instance_id, address, granted, time from access_log where id > $1 order by id limit $3
  ),
  gone as (
    delete from access_log l using step
    where l.id = step.id and step.time < $2 and case
      -- foreign addresses have no instance: apart, since an index knows what is null by itself alone
      when step.instance_id is null then case
        when step.granted then exists (
          select from access_log later
          where later.filesystem_id = step.filesystem_id and later.instance_id is null
            and later.address = step.address and later.id > step.id and later.time < $2)
        else not exists (
          select from access_log earlier
          where earlier.filesystem_id = step.filesystem_id and earlier.instance_id is null
            and earlier.address = step.address and earlier.id < step.id and earlier.time >= $2)
      end
      when step.granted then exists (
        select from access_log later
        where later.filesystem_id = step.filesystem_id and later.instance_id = step.instance_id
          and later.address = step.address and later.id > step.id and later.time < $2)
      -- a row of a process whose clock was ahead
      else not exists (
        select from access_log earlier
        where earlier.filesystem_id = step.filesystem_id and earlier.instance_id = step.instance_id
          and earlier.address = step.address and earlier.id < step.id and earlier.time >= $2)
      end
    returning 1
  )
  select (select max(id) from step) as position, (select count(*) from step where time < $2) as old,
         (select count(*) from gone) as gone`;
