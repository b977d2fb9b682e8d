import type { CountingRule, InstanceAddress } from '../../lib/domain/address';
import type { Filesystem, Scope } from '../../lib/domain/filesystem';
import type { InstanceState, Observation } from '../../lib/domain/instance';
import { parseSize } from '../../lib/domain/size';
import type { Clock } from '../../lib/ports/clock';
import type { ProcessIdentity } from '../../lib/ports/process';
import { PostgresAccessLog } from '../../lib/store/access-log';
import { PostgresBackends } from '../../lib/store/backends';
import { Database } from '../../lib/store/database';
import { PostgresDeletedFilesystems } from '../../lib/store/deleted-filesystems';
import { PostgresDrift } from '../../lib/store/drift';
import { PostgresFilesystems } from '../../lib/store/filesystems';
import { PostgresInstances } from '../../lib/store/instances';
import { PostgresOrphans } from '../../lib/store/orphans';
import { PostgresQuestions } from '../../lib/store/questions';
import { PostgresResync } from '../../lib/store/resync';
import { PostgresServings } from '../../lib/store/servings';
import { PostgresUsage } from '../../lib/store/usage';
import { PostgresWork } from '../../lib/store/work';
import { anAddress } from './an-address';
import { migratedDatabase } from './database';
import { HandClock } from './hand-clock';
import { EVERYTHING_COUNTS } from './rules';

export const BACKEND = { name: 'default', fingerprint: 'settings' };

/** A migrated database of its own, with all stores over it. */
export interface Stores {
  readonly url: string;
  readonly database: Database;
  readonly clock: HandClock;
  readonly filesystems: PostgresFilesystems;
  readonly deleted: PostgresDeletedFilesystems;
  readonly accessLog: PostgresAccessLog;
  readonly instances: PostgresInstances;
  readonly questions: PostgresQuestions;
  readonly resync: PostgresResync;
  readonly work: PostgresWork;
  readonly usage: PostgresUsage;
  readonly backends: PostgresBackends;
  readonly servings: PostgresServings;
  readonly drift: PostgresDrift;
  readonly orphans: PostgresOrphans;
  close(): Promise<void>;
}

/** As `process` seen from itself: others that the database names are alive. */
export const aProcess = (text = 'process-1', isDead: (text: string) => boolean = () => false): ProcessIdentity => ({
  text,
  isDead,
});

/** The stores over one database, as one process has them. */
export function storesOver(
  url: string,
  clock: Clock,
  {
    rule = EVERYTHING_COUNTS,
    process = aProcess(),
    poolSize = 6,
    canAsk = false,
  }: { rule?: CountingRule; process?: ProcessIdentity; poolSize?: number; canAsk?: boolean } = {},
) {
  const database = new Database({ connectionString: url, poolSize });
  const directory = { rule, canAsk };
  return {
    url,
    database,
    filesystems: new PostgresFilesystems(database, clock, rule, BACKEND.name),
    deleted: new PostgresDeletedFilesystems(database, clock),
    accessLog: new PostgresAccessLog(database),
    instances: new PostgresInstances(database, clock, directory),
    questions: new PostgresQuestions(database, clock, directory),
    resync: new PostgresResync(database, clock),
    work: new PostgresWork(database, clock, rule, process),
    usage: new PostgresUsage(database, clock),
    backends: new PostgresBackends(database, clock, process, '0.0.0'),
    servings: new PostgresServings(database, clock),
    drift: new PostgresDrift(database, clock),
    orphans: new PostgresOrphans(database, clock, rule),
  };
}

/** A fresh database with all stores over it, and the default backend registered. */
export async function freshStores(
  rule: CountingRule = EVERYTHING_COUNTS,
  { canAsk = false }: { canAsk?: boolean } = {},
): Promise<Stores> {
  const { url, drop } = await migratedDatabase();
  const clock = new HandClock();
  const stores = storesOver(url, clock, { rule, canAsk });
  await stores.backends.register(BACKEND, 'in-memory', [], 'file-system');
  return {
    ...stores,
    clock,
    close: async () => {
      await stores.database.close();
      await drop();
    },
  };
}

export { anAddress } from './an-address';

let names = 0;

/** A filesystem in the store, as PUT leaves it. */
export async function aFilesystem(
  { filesystems }: Pick<Stores, 'filesystems'>,
  {
    name = `fs-${++names}`,
    owner = 'demo',
    scope = 'global',
    project = scope === 'project' ? owner : null,
    size = '4Gb',
  }: { name?: string; owner?: string; scope?: Scope; project?: string | null; size?: string } = {},
): Promise<Filesystem> {
  return filesystems.transaction('spec', (tx) =>
    tx.create({ name, owner, attributes: { size: parseSize(size), scope, project } }),
  );
}

/** One thing said of an instance; by default that it is live. */
export function anObservation(
  clock: Clock,
  instanceId: string,
  {
    addresses,
    ...said
  }: {
    project?: string;
    state?: InstanceState;
    addresses?: readonly (string | InstanceAddress)[];
    time?: Date;
    source?: Observation['source'];
  } = {},
): Observation {
  return {
    instanceId,
    project: 'demo',
    state: 'live',
    time: clock.now(),
    source: 'notification',
    cause: 'spec',
    ...said,
    addresses: addresses?.map((each) => (typeof each === 'string' ? anAddress(each) : each)),
  };
}
