import type { CountingRule } from '../domain/address';
import type { Filesystem } from '../domain/filesystem';
import type { Clock } from '../ports/clock';
import type {
  AccessState,
  Cause,
  FilesystemQuery,
  FilesystemRow,
  FilesystemStore,
  FilesystemTransaction,
  FilesystemView,
  InstanceEntry,
  InstanceEntryStatus,
  InstanceQuery,
  Viewer,
} from '../ports/store';
import { type Database, lockShared } from './database';
import { findStatements, instancesStatement, listStatement, type Statement } from './filesystem-queries';
import { PostgresFilesystemTransaction } from './filesystem-transaction';
import { type FilesystemTableRow, toFilesystem } from './rows';
import { USAGE_PAYLOAD } from './signals';

type ListRow = FilesystemTableRow & { readonly access_state: AccessState };
type FindRow = ListRow & { readonly entitled: string; readonly applied: string; readonly kept_out: string };

interface InstanceRow {
  readonly id: string;
  readonly project: string | null;
  readonly status: InstanceEntryStatus;
  readonly addresses: readonly string[];
  readonly fault_message: string | null;
  readonly fault_created: Date | null;
}

/** Filesystems in Postgres, for the HTTP handlers. */
export class PostgresFilesystems implements FilesystemStore {
  readonly #find: ReturnType<typeof findStatements>;

  /**
   * @param rule which addresses count
   * @param backend where new filesystems go; null: to the first that any process has registered
   */
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly rule: CountingRule,
    private readonly backend: string | null,
  ) {
    this.#find = findStatements(rule);
  }

  async transaction<Result>(cause: Cause, work: (tx: FilesystemTransaction) => Promise<Result>): Promise<Result> {
    const { database, clock, backend } = this;
    return database.transaction(async (trx) => {
      await lockShared(trx, database.schema);
      return work(new PostgresFilesystemTransaction(trx, database.schema, clock.now(), cause, backend));
    });
  }

  async find(name: string, viewer: Viewer): Promise<FilesystemView | null> {
    const [row] = await this.#read<FindRow>(
      viewer.isAdmin ? { ...this.#find.all, values: [name] } : { ...this.#find.own, values: [name, viewer.projectId] },
    );
    if (!row) return null;
    const filesystem = toFilesystem(row);
    const state = row.access_state;
    return {
      filesystem,
      access: {
        entitled: Number(row.entitled),
        applied: Number(row.applied),
        state,
        message: state === 'error' ? (filesystem.fault?.message ?? null) : keptOut(Number(row.kept_out)),
      },
    };
  }

  async list(query: FilesystemQuery): Promise<readonly FilesystemRow[]> {
    const rows = await this.#read<ListRow>(listStatement(query));
    return rows.map((row) => ({ filesystem: toFilesystem(row), accessState: row.access_state }));
  }

  async listInstances(filesystem: Filesystem, viewer: Viewer, query: InstanceQuery): Promise<readonly string[]> {
    const rows = await this.#read<InstanceRow>(
      instancesStatement(this.rule, filesystem, visibleProject(filesystem, viewer), { ...query, only: null }),
    );
    return rows.map(({ id }) => id);
  }

  async findInstance(filesystem: Filesystem, instanceId: string, viewer: Viewer): Promise<InstanceEntry | null> {
    const [row] = await this.#read<InstanceRow>(
      instancesStatement(this.rule, filesystem, visibleProject(filesystem, viewer), { limit: 1, only: instanceId }),
    );
    if (!row) return null;
    return {
      id: row.id,
      project: row.project,
      status: row.status,
      addresses: row.addresses,
      automatic: filesystem.scope !== 'instance',
      fault:
        row.fault_message === null || row.fault_created === null
          ? null
          : { message: row.fault_message, created: row.fault_created },
    };
  }

  async requestUsage(filesystemId: string): Promise<Date> {
    const now = this.clock.now();
    await this.database.query(
      `with asked as (update filesystems set usage_wanted = $2 where id = $1 returning 1)
       select pg_notify($3, $4) from asked`,
      [filesystemId, now, this.database.schema, USAGE_PAYLOAD],
    );
    return now;
  }

  async usageTime(filesystemId: string): Promise<Date | null> {
    const [row] = await this.database.query<{ used_counted: Date | null }>(
      'select used_counted from filesystems where id = $1',
      [filesystemId],
    );
    return row?.used_counted ?? null;
  }

  async #read<Row extends object>({ text, values, name }: Statement): Promise<Row[]> {
    return this.database.query<Row & Record<string, unknown>>(text, values, name || undefined);
  }
}

/** The owner of a filesystem of scope `instance` sees who is connected, whoever it is (docs/api.md, "Privacy"). */
function visibleProject({ scope, owner }: Filesystem, { isAdmin, projectId }: Viewer): string | null {
  return isAdmin || (scope === 'instance' && owner === projectId) ? null : projectId;
}

function keptOut(addresses: number): string | null {
  if (addresses === 0) return null;
  return addresses === 1
    ? '1 address is kept out: its instance says why.'
    : `${addresses} addresses are kept out: their instances say why.`;
}
