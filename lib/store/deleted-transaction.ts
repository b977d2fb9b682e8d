import type { Knex } from 'knex';
import type { DeletedFilesystem } from '../domain/deleted-filesystem';
import type { Filesystem } from '../domain/filesystem';
import type { DeletedTransaction } from '../ports/deleted-store';
import type { Cause } from '../ports/viewer';
import { NEXT_REVISION } from './bump';
import { type FilesystemTableRow, filesystemColumns, toFilesystem } from './rows';

export interface DeletedRow extends FilesystemTableRow {
  readonly retired: Date;
  readonly purge_after: Date | null;
  readonly is_purging: boolean;
  readonly is_leased: boolean;
}

/** Of `filesystems f`. */
export const DELETED_COLUMNS = `${filesystemColumns('f')}, f.retired,
  -- a program of the release before has said when only by the queue
  coalesce(f.purge_after, f.next_attempt) as purge_after,
  f.purging is not null as is_purging, f.leased_by is not null as is_leased`;

/** Row → domain. */
export function toDeleted(row: DeletedRow): DeletedFilesystem {
  return {
    filesystem: toFilesystem(row),
    retired: row.retired,
    purgeAfter: row.purge_after,
    isPurging: row.is_purging,
    isLeased: row.is_leased,
  };
}

/** What a request changes of what is deleted. The transaction holds the advisory lock, shared. */
export class PostgresDeletedTransaction implements DeletedTransaction {
  constructor(
    private readonly trx: Knex.Transaction,
    private readonly schema: string,
    private readonly now: Date,
    private readonly cause: Cause,
  ) {}

  async lock(id: string): Promise<DeletedFilesystem | null> {
    const [row] = await this.#rows<DeletedRow>(
      `select ${DELETED_COLUMNS} from filesystems f where f.id = :id and f.retired is not null for no key update`,
      { id },
    );
    return row ? toDeleted(row) : null;
  }

  async isTaken(name: string): Promise<boolean> {
    // who takes it after this makes the unique index fail: the transaction then runs again, and finds it taken
    const rows = await this.#rows('select f.id from filesystems f where f.name = :name and f.retired is null', {
      name,
    });
    return rows.length > 0;
  }

  async restore(id: string, name: string): Promise<Filesystem> {
    await this.trx('connections').where({ filesystem_id: id }).delete();
    const [row] = await this.#rows<FilesystemTableRow>(
      `with restored as (
         update filesystems f set
           name = :name, retired = null, deletion_wanted = null, purge_after = null, restoring = true,
           -- the size and the export location are confirmed anew
           volume_fingerprint = null,
           failed = false, failures = 0, last_error = null, fault_message = null, fault_created = null,
           attributes_revision = f.attributes_revision + 1, desired_revision = ${NEXT_REVISION},
           behind_since = :now, next_attempt = :now, cause = :cause, updated = :now
         where f.id = :id and f.purging is null returning *
       )
       select ${filesystemColumns('f')}, pg_notify(:schema, '') from restored f`,
      { id, name, now: this.now, cause: this.cause, schema: this.schema },
    );
    if (!row) throw new Error('what was deleted went while its row was held');
    return toFilesystem(row);
  }

  async purge(id: string): Promise<void> {
    await this.#rows(
      `with due as (
         update filesystems f set purging = coalesce(f.purging, :now), cause = :cause,
           failures = case when f.failed then 0 else f.failures end,
           fault_message = case when f.failed then null else f.fault_message end,
           fault_created = case when f.failed then null else f.fault_created end,
           failed = false,
           -- a run that has it goes on
           next_attempt = case when f.leased_by is null then :now else f.next_attempt end
         where f.id = :id returning 1
       )
       select pg_notify(:schema, '') from due`,
      { id, now: this.now, cause: this.cause, schema: this.schema },
    );
  }

  async #rows<Row>(text: string, values: Readonly<Record<string, unknown>>): Promise<Row[]> {
    const { rows } = await this.trx.raw<{ rows: Row[] }>(text, values as Record<string, Knex.RawBinding>);
    return rows;
  }
}
