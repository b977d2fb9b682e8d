import type { AccessLogStore } from '../ports/access-log-store';
import type { BackendStore, ServingStore, UsageStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { DeletedStore } from '../ports/deleted-store';
import type { InstanceStore, QuestionStore, ResyncStore } from '../ports/directory-store';
import type { DriftStore } from '../ports/drift-store';
import type { FilesystemStore } from '../ports/filesystem-store';
import type { Logger } from '../ports/host';
import type { OrphanStore } from '../ports/orphan-store';
import type { ProcessIdentity } from '../ports/process';
import type { Signals } from '../ports/signals';
import type { WorkStore } from '../ports/work-store';
import { PostgresAccessLog } from './access-log';
import { PostgresBackends } from './backends';
import { Database, type DatabaseOptions } from './database';
import { PostgresDeletedFilesystems } from './deleted-filesystems';
import { PostgresDrift } from './drift';
import { PostgresFilesystems } from './filesystems';
import { PostgresInstances } from './instances';
import { migrate } from './migrate';
import type { DirectoryOptions } from './observations';
import { PostgresOrphans } from './orphans';
import { PostgresQuestions } from './questions';
import { PostgresResync } from './resync';
import { PostgresServings } from './servings';
import { PostgresSignals } from './signals';
import { PostgresUsage } from './usage';
import { PostgresWork } from './work';

/** Everything that is stored, over one pool of connections. */
export interface Stores {
  readonly database: Database;
  readonly filesystems: FilesystemStore;
  readonly deleted: DeletedStore;
  readonly accessLog: AccessLogStore;
  readonly instances: InstanceStore;
  readonly questions: QuestionStore;
  readonly resync: ResyncStore;
  readonly work: WorkStore;
  readonly usage: UsageStore;
  readonly backends: BackendStore;
  readonly servings: ServingStore;
  readonly drift: DriftStore;
  readonly orphans: OrphanStore;
  readonly signals: Signals;
  /** Brings the schema to this program's version. @throws Unavailable, or Error when it is of a newer program */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Which deployment this is: the same for all its processes. Known once it is open. */
  identity(): Promise<string>;
  /** Why requests cannot be served now; null: they can. */
  trouble(): Promise<string | null>;
}

const LONGEST_ANSWER_MILLISECONDS = 2_000;

/**
 * @param backend where new filesystems go that no rule places; null: to the first that any process has registered
 * @param version this program's
 * @throws Error when an option is wrong; nothing is connected yet
 */
export function openStores(
  options: DatabaseOptions,
  clock: Clock,
  directory: DirectoryOptions,
  self: ProcessIdentity,
  backend: string | null,
  logger: Logger,
  version: string,
): Stores {
  const database = new Database(options);
  const { rule } = directory;
  return {
    database,
    filesystems: new PostgresFilesystems(database, clock, rule, backend),
    deleted: new PostgresDeletedFilesystems(database, clock),
    accessLog: new PostgresAccessLog(database),
    instances: new PostgresInstances(database, clock, directory),
    questions: new PostgresQuestions(database, clock, directory),
    resync: new PostgresResync(database, clock),
    work: new PostgresWork(database, clock, rule, self),
    usage: new PostgresUsage(database, clock),
    backends: new PostgresBackends(database, clock, self, version),
    servings: new PostgresServings(database, clock),
    drift: new PostgresDrift(database, clock),
    orphans: new PostgresOrphans(database, clock, rule),
    signals: new PostgresSignals(database, clock, logger),
    open: async () => {
      database.open();
      await migrate(database);
    },
    close: () => database.close(),
    identity: async () => {
      const [row] = await database.query<{ identity: string }>('select identity from deployment', []);
      if (!row) throw new Error('the row of the deployment went');
      return row.identity;
    },
    trouble: async () => {
      const over = new AbortController();
      const late = clock
        .sleep(LONGEST_ANSWER_MILLISECONDS, over.signal)
        .then(() => 'The database does not answer in time.');
      const answer = database.query('select 1', []).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      return Promise.race([answer, late]).finally(() => over.abort());
    },
  };
}
