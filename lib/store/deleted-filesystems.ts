import type { DeletedFilesystem } from '../domain/deleted-filesystem';
import type { Clock } from '../ports/clock';
import type { DeletedQuery, DeletedStore, DeletedTransaction } from '../ports/deleted-store';
import type { Cause } from '../ports/viewer';
import { type Database, lockShared } from './database';
import { DELETED_COLUMNS, type DeletedRow, PostgresDeletedTransaction, toDeleted } from './deleted-transaction';

/** What is retired and not purged, in Postgres, for the HTTP handlers. */
export class PostgresDeletedFilesystems implements DeletedStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async list({ owner, marker, limit }: DeletedQuery): Promise<readonly DeletedFilesystem[]> {
    const rows = await this.database.query<DeletedRow & Record<string, unknown>>(
      `select ${DELETED_COLUMNS} from filesystems f
       where f.retired is not null and (f.retired, f.id) > ($1::timestamptz, $2::uuid)
         ${owner === null ? '' : 'and f.owner = $4'}
       order by f.retired, f.id limit $3`,
      [marker?.retired ?? '-infinity', marker?.id ?? FIRST_ID, limit, ...(owner === null ? [] : [owner])],
      owner === null ? 'list-deleted-all' : 'list-deleted-own',
    );
    return rows.map(toDeleted);
  }

  async find(id: string): Promise<DeletedFilesystem | null> {
    const [row] = await this.database.query<DeletedRow & Record<string, unknown>>(
      `select ${DELETED_COLUMNS} from filesystems f where f.id = $1 and f.retired is not null`,
      [id],
    );
    return row ? toDeleted(row) : null;
  }

  async transaction<Result>(cause: Cause, work: (tx: DeletedTransaction) => Promise<Result>): Promise<Result> {
    const { database, clock } = this;
    return database.transaction(async (trx) => {
      await lockShared(trx, database.schema);
      return work(new PostgresDeletedTransaction(trx, database.schema, clock.now(), cause));
    });
  }
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
