import type { CountingRule } from '../domain/address';
import type { ExplainedAccess } from '../domain/explanation';
import type { QuestionReason } from '../domain/trust';
import { NOT_BEFORE } from './claim';
import type { Querier } from './database';
import { disputedSql, type PreparedStatement, prepared } from './entitlement';
import { type InstanceRow, instanceColumns, toKnownInstance } from './instance-rows';
import { type FilesystemTableRow, filesystemColumns, toFilesystem } from './rows';

/** The columns of an instance are all null where there is none. */
type ExplainedRow = FilesystemTableRow &
  Omit<InstanceRow, 'id' | 'project'> & {
    readonly instance_id: string | null;
    readonly instance_project: string | null;
    readonly first_heard: Date | null;
    readonly ask_next: Date | null;
    readonly ask_reason: QuestionReason | null;
    readonly connected: Date | null;
    /** `address`. */
    readonly disputed: readonly string[];
    /** `[address, since]`. */
    readonly entries: readonly [string, string][];
    /** `[address, message, since]`. */
    readonly faults: readonly [string, string, string][];
    readonly attempt: Date | null;
    readonly leased: boolean;
    readonly failed: boolean;
    readonly failures: number;
    readonly last_error: string | null;
  };

/**
 * The statement that reads what is known of one instance and one filesystem: plain facts, of one snapshot. `$1` the
 * filesystem's name, `$2` the instance's id. One row where there is the filesystem, whether there is the instance or not.
 */
export function explainStatement(rule: CountingRule): PreparedStatement {
  return prepared(
    'explain',
    `select ${filesystemColumns('f')},
       i.id as instance_id, i.project as instance_project, ${instanceColumns('i')},
       i.first_heard, i.ask_next, i.ask_reason,
       (select c.created from connections c where c.filesystem_id = f.id and c.instance_id = i.id) as connected,
       coalesce((
         select json_agg(host(a.address)) from instance_addresses a
         where a.instance_id = i.id and case f.scope
           when 'global' then ${disputedSql('global', rule, 'a')}
           when 'project' then ${disputedSql('project', rule, 'a')}
           else ${disputedSql('instance', rule, 'a')}
         end
       ), '[]') as disputed,
       coalesce((
         select json_agg(json_build_array(host(e.address), e.applied)) from access_entries e
         where e.filesystem_id = f.id and e.instance_id = i.id
       ), '[]') as entries,
       coalesce((
         select json_agg(json_build_array(host(x.address), x.message, x.created))
         from instance_addresses a join access_faults x on x.filesystem_id = f.id and x.address = a.address
         where a.instance_id = i.id
       ), '[]') as faults,
       greatest(f.next_attempt, case when f.next_attempt is not null and f.leased_by is null then ${NOT_BEFORE} end) as attempt,
       f.leased_by is not null as leased, f.failed, f.failures, f.last_error
     from filesystems f left join instances i on i.id = $2
     where f.name = $1 and f.retired is null`,
  );
}

/**
 * @param tellsErrors whether an operator's words may be told
 * @returns null when there is no such filesystem
 */
export async function readExplained(
  querier: Querier,
  { text, name }: PreparedStatement,
  filesystemName: string,
  instanceId: string,
  tellsErrors: boolean,
): Promise<ExplainedAccess | null> {
  const [row] = await querier.query<ExplainedRow>(text, [filesystemName, instanceId], name);
  if (!row) return null;
  const { instance_id: id, instance_project: project } = row;
  return {
    filesystem: toFilesystem(row),
    deletionWanted: row.deletion_wanted,
    instance: id === null ? null : toKnownInstance({ ...row, id, project }),
    firstHeard: row.first_heard,
    question: row.ask_next && row.ask_reason ? { reason: row.ask_reason, next: row.ask_next } : null,
    connected: row.connected,
    disputed: new Set(row.disputed),
    entries: new Map(row.entries.map(([address, since]) => [address, new Date(since)])),
    faults: new Map(
      row.faults.map(([address, message, created]) => [address, { message, created: new Date(created) }]),
    ),
    attempt: {
      next: row.attempt,
      leased: row.leased,
      failed: row.failed,
      failures: row.failures,
      lastError: tellsErrors ? row.last_error : null,
    },
  };
}
