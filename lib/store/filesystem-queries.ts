import type { CountingRule } from '../domain/address';
import type { Filesystem } from '../domain/filesystem';
import type { FilesystemQuery, InstanceQuery } from '../ports/filesystem-store';
import { countsSql, entitledSql, type PreparedStatement, prepared } from './entitlement';
import { accessStateSql, filesystemColumns } from './rows';
import { isServedSql } from './servings';

/** A statement, and the name under which it is prepared when its text is always the same. */
export interface Statement {
  readonly text: string;
  readonly name: string;
  readonly values: readonly unknown[];
}

/**
 * One filesystem by name, with the counts of `access` (docs/api.md). Two texts, not one with "or": for a member the index
 * by project leads, for an administrator everything counts. `$1` is the name, `$2` when a process must have told at the earliest
 * that it serves the backend, `$3` the project of `own`.
 */
export function findStatements(rule: CountingRule): Readonly<Record<'all' | 'own', PreparedStatement>> {
  return { all: prepared('find-all', findSql(rule, false)), own: prepared('find-own', findSql(rule, true)) };
}

function findSql(rule: CountingRule, ofOneProject: boolean): string {
  const visible = ofOneProject ? 'i.project = $3' : 'true';
  const addressesOf = (from: string, where: string) =>
    `(select count(distinct a.address) from ${from} join instance_addresses a on a.instance_id = i.id
      where i.state = 'live' and ${where} and ${visible} and ${countsSql(rule, 'a', 'f.id')})`;
  return `
      select ${filesystemColumns('f')}, ${accessStateSql('f')} as access_state,
        ${isServedSql('f.backend', '$2')} as is_served,
        case f.scope
          when 'global' then ${addressesOf('instances i', 'true')}
          when 'project' then ${addressesOf('instances i', 'i.project = f.project')}
          else ${addressesOf('connections c join instances i on i.id = c.instance_id', 'c.filesystem_id = f.id')}
        end as entitled,
        ${
          !ofOneProject
            ? `(select count(distinct e.address) from access_entries e where e.filesystem_id = f.id)`
            : `(select count(distinct e.address) from instances i
                join access_entries e on e.instance_id = i.id and e.filesystem_id = f.id where ${visible})`
        } as applied,
        (select count(distinct x.address) from access_faults x
         join instance_addresses a on a.address = x.address join instances i on i.id = a.instance_id
         where x.filesystem_id = f.id and i.state = 'live' and ${visible}) as kept_out
      from filesystems f where f.name = $1 and f.retired is null`;
}

/** A page of filesystems, by name. For a tenant three walks along an index, merged: own, granted, global. */
export function listStatement(query: FilesystemQuery): Statement {
  const filters = [
    ['scope', query.scope],
    ['status', query.status],
    ['project', query.project],
    ['owner', query.owner],
  ] as const;
  const given = filters.filter(([, value]) => value !== undefined);
  const first = query.tenantId === null ? 3 : 4;
  const where = given.map(([column], index) => ` and f.${column} = $${first + index}`).join('');
  const branch = (condition: string) => `(
    select ${filesystemColumns('f')}, ${accessStateSql('f')} as access_state
    from filesystems f where f.retired is null and f.name > $1 ${condition} ${where}
    order by f.name limit $2)`;
  const text =
    query.tenantId === null
      ? branch('')
      : `${branch('and f.owner = $3')}
         union all ${branch(`and f.scope = 'project' and f.project = $3 and f.owner <> $3`)}
         union all ${branch(`and f.scope = 'global' and f.owner <> $3`)}
         order by name limit $2`;
  return {
    text,
    name: ['list', query.tenantId === null ? 'all' : 'own', ...given.map(([column]) => column)].join('-'),
    values: [
      query.marker ?? '',
      query.limit,
      ...(query.tenantId === null ? [] : [query.tenantId]),
      ...given.map(([, value]) => value),
    ],
  };
}

/** Whose instances of a filesystem a viewer may see: null is everybody's. */
type VisibleProject = string | null;

/**
 * Instances of a filesystem: those entitled, and those no longer entitled that the backend may still let in; with the
 * status of each. `only` is one id, or null for all.
 */
export function instancesStatement(
  rule: CountingRule,
  { id, scope, project }: Pick<Filesystem, 'id' | 'scope' | 'project'>,
  visibleProject: VisibleProject,
  { marker, limit, status, only }: InstanceQuery & { readonly only: string | null },
): Statement {
  const values: unknown[] = [id, marker ?? '', limit];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const visible = visibleProject === null ? '' : `and i.project = ${parameter(visibleProject)}`;
  const one = only === null ? '' : `and i.id = ${parameter(only)}`;
  const filesystem = { id: '$1::uuid', project: project === null ? 'null' : parameter(project) };
  const entitled = `i.state = 'live' and ${entitledSql(scope, filesystem, 'i')}`;
  const from = scope === 'instance' ? 'connections x join instances i on i.id = x.instance_id' : 'instances i';
  const own = scope === 'instance' ? 'and x.filesystem_id = $1::uuid' : '';
  const wantedStatus = status === undefined ? '' : `where status = ${parameter(status)}`;
  return {
    name: '',
    values,
    text: `
      select * from (
        select candidate.*, facts.*, case
            when not entitled then 'disconnecting'
            when fault_message is not null then 'error'
            when cardinality(addresses) > 0 and all_applied then 'connected'
            else 'pending'
          end as status
        from (
          (select i.id, i.project, true as entitled from ${from}
           where ${entitled} ${own} and i.id > $2 ${visible} ${one} ${status === undefined ? 'order by i.id limit $3' : ''})
          union all
          (select i.id, i.project, false from instances i
           where i.id > $2 ${visible} ${one} and (${entitled}) is not true
             and exists (select from access_entries e where e.filesystem_id = $1::uuid and e.instance_id = i.id)
           ${status === undefined ? 'order by i.id limit $3' : ''})
        ) as candidate
        cross join lateral (
          select coalesce(array_agg(host(a.address) order by a.address), '{}') as addresses,
                 bool_and(exists (select from access_entries e where e.filesystem_id = $1::uuid
                                  and e.instance_id = candidate.id and e.address = a.address)) as all_applied,
                 min(x.message) as fault_message, min(x.created) as fault_created
          from instance_addresses a
          left join access_faults x on x.filesystem_id = $1::uuid and x.address = a.address
          where a.instance_id = candidate.id and ${countsSql(rule, 'a', filesystem.id)}
        ) as facts
      ) as entry ${wantedStatus}
      order by id limit $3`,
  };
}
