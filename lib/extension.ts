import { setMaxListeners } from 'node:events';
import type { Registry } from 'prom-client';
import manifest from '../extension.json';
import { configureBackends } from './configured-backends';
import { type CountingOptions, countingRule } from './counting-rule';
import { type DriftSettings, driftOptions } from './drift-options';
import { type CloudOptions, followCloud } from './followed-cloud';
import { createRouter } from './http/router';
import { noMetrics, prometheusMetrics } from './metrics';
import { readEvents } from './openstack/notifications';
import { packageVersion } from './package-root';
import type { ResyncRecord } from './ports/directory-store';
import type {
  BackendOptions,
  ExtensionStatus,
  InstanceReport,
  NamedBackend,
  PlacementOptions,
  Unconfirmed,
} from './ports/extension';
import type { ExtensionEntry, IdentityOf, Logger } from './ports/host';
import { thisProcess } from './process-identity';
import { serveBackend } from './served-backends';
import { FilesystemChanges } from './store/changes';
import { DatabaseClock } from './store/clock';
import type { DatabaseOptions } from './store/database';
import { openStores } from './store/stores';
import { HostReports } from './sync/host-reports';
import { keepHouse } from './sync/housekeeping';
import { ServedWatch } from './sync/served-watch';

/** What a host gives (docs/hosting.md). */
export interface SharedFilesystemOptions extends CloudOptions, CountingOptions, DriftSettings {
  readonly database: DatabaseOptions;
  readonly identity: IdentityOf;
  /** The host's registry of extensions. Given: it answers `/extensions`. Absent: the router does, with its own entry. */
  readonly registerExtension?: ((entry: ExtensionEntry) => void) | undefined;
  /** Those with a driver are worked on here, names alone by other processes. Absent or empty: the API alone. */
  readonly backends?: readonly (BackendOptions | NamedBackend)[] | undefined;
  /** Where new filesystems go: the first rule that fits. Absent or empty: to the first backend. */
  readonly placement?: readonly PlacementOptions[] | undefined;
  readonly logger?: Logger | undefined;
  /** Where to keep what is measured; absent: nowhere. */
  readonly metrics?: Registry | undefined;
  /** `https://compute.example.org`: links in answers are URLs then, not paths. */
  readonly publicUrl?: string | undefined;
  /** Entries of a page at most, 1000 by default. */
  readonly maxLimit?: number | undefined;
  /** User and project ids that may POST `_events` beside administrators. */
  readonly eventReporters?: readonly string[] | undefined;
  /** Roles that may create and manage filesystems of their project: `member`, `manager` and `admin` by default. */
  readonly memberRoles?: readonly string[] | undefined;
  /** How long a deleted filesystem's data is kept, 0 by default. */
  readonly deletionGraceSeconds?: number | undefined;
  /** How long the access log is kept, 400 by default. */
  readonly accessLogRetentionDays?: number | undefined;
}

/** What a host gets. */
export interface SharedFilesystemExtension {
  /** To be mounted under `/v1.1/:tenant`. Answers 503 until `start` has resolved. */
  readonly router: ReturnType<typeof createRouter>;
  readonly entry: ExtensionEntry;
  /**
   * Migrates, checks, listens, reconciles.
   * @throws Unavailable when Postgres is out of reach; Error when its schema is of a newer program
   */
  start(): Promise<void>;
  /** Ends waiting requests and runs, in order; gives back what was claimed. `start` may follow. */
  stop(): Promise<void>;
  readonly instances: {
    /**
     * Tells what became of instances; stored when it resolves, all or nothing.
     * @param options `waitSeconds`: waits so long, 60 at most, until every backend has what follows
     * @returns which filesystems do not have it yet; empty: all have (or it was not waited for), and after a deletion nobody
     *   is let in any more
     * @throws InvalidInput, Unavailable
     */
    report(
      reports: readonly InstanceReport[],
      options?: { readonly waitSeconds?: number },
    ): Promise<readonly Unconfirmed[]>;
    /** Compares the directory with Compute's list as soon as it can be, where there is a Compute API. */
    resync(): void;
  };
  status(): Promise<ExtensionStatus>;
}

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const MEMBER_ROLES = ['member', 'manager', 'admin'];
const MAX_LIMIT = 1_000;
const ACCESS_LOG_RETENTION_DAYS = 400;
/** How long Compute has for its answers about instances that its list has not. */
const ANSWERS_MILLISECONDS = 5_000;

/**
 * Makes the extension. Opens no port, installs no signal handler, reads no environment variable and keeps no state outside
 * of what it returns: two of them in one process do not meet.
 * @throws Error naming an option that is wrong
 */
export async function createSharedFilesystemExtension(
  options: SharedFilesystemOptions,
): Promise<SharedFilesystemExtension> {
  const { logger = SILENT, registerExtension } = options;
  const metrics = options.metrics ? prometheusMetrics(options.metrics) : noMetrics;
  const clock = new DatabaseClock();
  const self = thisProcess();
  const configured = configureBackends(options.backends ?? [], options.placement ?? [], self);
  const rule = countingRule(options, configured.ownAddresses);
  const directory = { rule, canAsk: options.compute !== undefined };
  const stores = openStores(
    options.database,
    clock,
    directory,
    self,
    configured.names[0] ?? null,
    logger,
    packageVersion(),
  );
  const changes = new FilesystemChanges(clock);
  const grace = (options.deletionGraceSeconds ?? 0) * 1_000;
  const retentionDays = options.accessLogRetentionDays ?? ACCESS_LOG_RETENTION_DAYS;
  const drift = {
    ...driftOptions(options),
    mayBegin: options.compute && (async () => isCompared(await stores.resync.last(), begun, clock.now())),
  };
  const served = configured.served.map((each) =>
    serveBackend(each, rule, stores, clock, grace, logger, metrics, drift),
  );
  const nudge = () => {
    for (const backend of served) backend.wake();
  };
  const here = new Set(configured.served.map(({ options: { name } }) => name));
  const watch = new ServedWatch(stores.servings, configured.names, here, clock, logger, metrics);
  const reports = new HostReports(stores.instances, changes, clock, nudge);
  const cloud = followCloud(options, rule, stores, clock, nudge, logger, metrics);
  let running: { readonly stop: AbortController; readonly ended: Promise<unknown> } | null = null;
  let begun = clock.now();
  const stopping = () => running?.stop.signal ?? AbortSignal.abort();

  const entry: ExtensionEntry = manifest.extension;
  registerExtension?.(entry);
  const router = createRouter({
    filesystems: stores.filesystems,
    deleted: stores.deleted,
    instances: stores.instances,
    accessLog: stores.accessLog,
    accessLogRetentionDays: retentionDays,
    changes,
    nudge,
    clock,
    logger,
    metrics,
    placement: configured.placement,
    policy: {
      memberRoles: options.memberRoles ?? MEMBER_ROLES,
      eventReporters: options.eventReporters ?? [],
    },
    identity: options.identity,
    entry: registerExtension ? null : entry,
    publicUrl: options.publicUrl ?? null,
    maxLimit: options.maxLimit ?? MAX_LIMIT,
    readEvents,
    lookUpInstance: cloud.lookUp,
    stopping,
  });

  return {
    router,
    entry,
    start: async () => {
      if (running) return;
      await stores.open();
      await clock.measure(stores.database);
      begun = clock.now();
      const stop = new AbortController();
      const { signal } = stop;
      // every request that waits listens to it
      setMaxListeners(0, signal);
      const listener = {
        due: nudge,
        usageWanted: () => {
          for (const backend of served) backend.wakeUsage();
        },
        questionRaised: () => cloud.questionRaised(),
        changed: (filesystemId: string) => changes.changed(filesystemId),
      };
      const ended = Promise.all([
        stores.signals.listen(listener, signal),
        keepHouse(
          clock,
          () => clock.measure(stores.database),
          stores.instances,
          stores.accessLog,
          retentionDays,
          logger,
          signal,
        ),
        cloud.run(signal),
        watch.run(signal),
        ...served.map((backend) => backend.run(signal)),
      ]);
      running = { stop, ended };
    },
    stop: async () => {
      if (!running) return;
      running.stop.abort();
      await running.ended;
      running = null;
      await stores.close();
    },
    instances: {
      report: (list, { waitSeconds } = {}) => reports.report(list, waitSeconds, stopping()),
      resync: () => cloud.resync(),
    },
    status: async () => {
      const message = running ? await stores.trouble() : 'The extension has not been started.';
      return {
        ready: message === null,
        database: { reachable: message === null, message },
        backends: [...served.map(({ status }) => status), ...watch.status],
        ...(await cloud.status()),
      };
    },
  };
}

/** Whether the directory has been compared with Compute's list since then, and what the list had not was asked about. */
function isCompared(last: ResyncRecord | null, since: Date, now: Date): boolean {
  if (last?.outcome !== 'complete' || last.begun < since) return false;
  return last.missing === 0 || now.getTime() >= last.ended.getTime() + ANSWERS_MILLISECONDS;
}
