import type { Filesystem, Scope, Status } from '../domain/filesystem';
import type { AccessState } from '../ports/filesystem-store';

/** A row of `filesystems`, as pg gives it: bigint as text. */
export interface FilesystemTableRow {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly scope: Scope;
  readonly project: string | null;
  readonly size_bytes: string;
  readonly size_text: string;
  readonly applied_size_bytes: string | null;
  readonly applied_size_text: string | null;
  readonly attributes_revision: string;
  readonly deletion_wanted: Date | null;
  readonly backend: string;
  readonly number: number | null;
  readonly export_location: string | null;
  readonly protocol: string | null;
  readonly used_bytes: string | null;
  readonly fault_message: string | null;
  readonly fault_created: Date | null;
  readonly desired_revision: string;
  readonly applied_revision: string;
  readonly created: Date;
  readonly updated: Date;
  readonly status: Status;
}

const COLUMNS = [
  'id',
  'name',
  'owner',
  'scope',
  'project',
  'size_bytes',
  'size_text',
  'applied_size_bytes',
  'applied_size_text',
  'attributes_revision',
  'deletion_wanted',
  'backend',
  'number',
  'export_location',
  'protocol',
  'used_bytes',
  'fault_message',
  'fault_created',
  'desired_revision',
  'applied_revision',
  'created',
  'updated',
  'status',
] as const satisfies readonly (keyof FilesystemTableRow)[];

/** The columns of a filesystem, of the table with this alias. */
export function filesystemColumns(alias: string): string {
  return COLUMNS.map((column) => `${alias}.${column}`).join(', ');
}

/** Row → domain. */
export function toFilesystem(row: FilesystemTableRow): Filesystem {
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    scope: row.scope,
    project: row.project,
    size: { bytes: BigInt(row.size_bytes), text: row.size_text },
    appliedSize:
      row.applied_size_bytes === null || row.applied_size_text === null
        ? null
        : { bytes: BigInt(row.applied_size_bytes), text: row.applied_size_text },
    status: row.status,
    deletionWanted: row.deletion_wanted !== null,
    attributesRevision: BigInt(row.attributes_revision),
    desiredRevision: BigInt(row.desired_revision),
    appliedRevision: BigInt(row.applied_revision),
    backend: row.backend,
    number: row.number,
    exportLocation: row.export_location,
    protocol: row.protocol,
    usedBytes: row.used_bytes === null ? null : BigInt(row.used_bytes),
    fault:
      row.fault_message === null || row.fault_created === null
        ? null
        : { message: row.fault_message, created: row.fault_created },
    created: row.created,
    updated: row.updated,
  };
}

/** How far the backend is behind, of the table with this alias: an `AccessState`. */
export function accessStateSql(alias: string): string {
  return `case
    when ${alias}.applied_revision = ${alias}.desired_revision then ${literal('current')}
    when ${alias}.failed or ${alias}.failures > 0 then ${literal('error')}
    else ${literal('updating')}
  end`;
}

function literal(state: AccessState): string {
  return `'${state}'`;
}
