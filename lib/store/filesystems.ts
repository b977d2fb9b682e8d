import type { Knex } from 'knex';
import type { CountingRule } from '../domain/address';
import { explain } from '../domain/explain';
import { type Filesystem, UNSERVED } from '../domain/filesystem';
import type { Clock } from '../ports/clock';
import type {
  AccessState,
  ExplainedInstance,
  FilesystemQuery,
  FilesystemRow,
  FilesystemStore,
  FilesystemTransaction,
  FilesystemView,
  ForetoldAccess,
  InstanceEntry,
  InstanceQuery,
} from '../ports/filesystem-store';
import type { Cause, Viewer } from '../ports/viewer';
import { type Database, lockShared, within } from './database';
import { foretell } from './dry-run';
import type { PreparedStatement } from './entitlement';
import { explainStatement, readExplained } from './explain';
import { findInstance, listInstances } from './filesystem-instances';
import { findStatements, listStatement, type Statement } from './filesystem-queries';
import { PostgresFilesystemTransaction } from './filesystem-transaction';
import { type FilesystemTableRow, toFilesystem } from './rows';
import { servedSince } from './servings';
import { USAGE_PAYLOAD } from './signals';
import { wantedStatement } from './wanted';

type ListRow = FilesystemTableRow & { readonly access_state: AccessState };
type FindRow = ListRow & {
  readonly entitled: string;
  readonly applied: string;
  readonly kept_out: string;
  readonly is_served: boolean;
};

/** Filesystems in Postgres, for the HTTP handlers. */
export class PostgresFilesystems implements FilesystemStore {
  readonly #find: ReturnType<typeof findStatements>;
  readonly #explain: PreparedStatement;
  readonly #wanted: PreparedStatement;

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
    this.#explain = explainStatement(rule);
    this.#wanted = wantedStatement(rule);
  }

  async transaction<Result>(cause: Cause, work: (tx: FilesystemTransaction) => Promise<Result>): Promise<Result> {
    return this.database.transaction(async (trx) => work(await this.#begin(trx, cause)));
  }

  async foretell(cause: Cause, work: (tx: FilesystemTransaction) => Promise<string>): Promise<ForetoldAccess> {
    return this.database.rehearsal(async (trx) => {
      const id = await work(await this.#begin(trx, cause));
      return foretell(within(trx), this.clock.now(), this.#wanted, id);
    });
  }

  async #begin(trx: Knex.Transaction, cause: Cause): Promise<FilesystemTransaction> {
    const { schema } = this.database;
    await lockShared(trx, schema);
    return new PostgresFilesystemTransaction(trx, schema, this.clock.now(), cause, this.backend);
  }

  async find(name: string, viewer: Viewer): Promise<FilesystemView | null> {
    const since = servedSince(this.clock.now());
    const [row] = await this.#read<FindRow>(
      viewer.isAdmin
        ? { ...this.#find.all, values: [name, since] }
        : { ...this.#find.own, values: [name, since, viewer.projectId] },
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
        message: accessMessage(filesystem, state, row.is_served, Number(row.kept_out)),
      },
    };
  }

  async list(query: FilesystemQuery): Promise<readonly FilesystemRow[]> {
    const rows = await this.#read<ListRow>(listStatement(query));
    return rows.map((row) => ({ filesystem: toFilesystem(row), accessState: row.access_state }));
  }

  async listInstances(filesystem: Filesystem, viewer: Viewer, query: InstanceQuery): Promise<readonly string[]> {
    return listInstances(this.database, this.rule, filesystem, viewer, query);
  }

  async findInstance(filesystem: Filesystem, instanceId: string, viewer: Viewer): Promise<InstanceEntry | null> {
    return findInstance(this.database, this.rule, filesystem, instanceId, viewer);
  }

  async explain(name: string, instanceId: string, viewer: Viewer): Promise<ExplainedInstance | null> {
    return this.database.snapshot(async (snapshot) => {
      const access = await readExplained(snapshot, this.#explain, name, instanceId, viewer.isAdmin);
      if (!access) return null;
      const { filesystem, instance } = access;
      return {
        filesystem,
        project: instance?.project?.value ?? null,
        entry: await findInstance(snapshot, this.rule, filesystem, instanceId, viewer),
        explanation: explain(access, this.rule),
      };
    });
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

/** Why access is not current, or not everybody's; null when all is well. */
function accessMessage(
  { status, fault }: Filesystem,
  state: AccessState,
  isServed: boolean,
  addressesKeptOut: number,
): string | null {
  // what was given up does not wait for a process
  if (state !== 'current' && status !== 'error' && !isServed) return UNSERVED;
  return state === 'error' ? (fault?.message ?? null) : keptOut(addressesKeptOut);
}

function keptOut(addresses: number): string | null {
  if (addresses === 0) return null;
  return addresses === 1
    ? '1 address is kept out: its instance says why.'
    : `${addresses} addresses are kept out: their instances say why.`;
}
