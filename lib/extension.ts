import { setMaxListeners } from 'node:events';
import type { Registry } from 'prom-client';
import manifest from '../extension.json';
import { countingRule } from './counting-rule';
import type { AddressKind } from './domain/address';
import { createDriver } from './drivers';
import { type CloudOptions, followCloud } from './followed-cloud';
import { createRouter } from './http/router';
import { noMetrics, prometheusMetrics } from './metrics';
import { readEvents } from './openstack/notifications';
import type { ResyncRecord } from './ports/directory-store';
import type { BackendOptions, ExtensionStatus, InstanceReport, Unconfirmed } from './ports/extension';
import type { ExtensionEntry, IdentityOf, Logger } from './ports/host';
import { thisProcess } from './process-identity';
import { serveBackend } from './served-backends';
import { FilesystemChanges } from './store/changes';
import { DatabaseClock } from './store/clock';
import type { DatabaseOptions } from './store/database';
import { openStores } from './store/stores';
import type { DriftOptions } from './sync/drift';
import { HostReports } from './sync/host-reports';
import { keepHouse } from './sync/housekeeping';

/** What a host gives (docs/hosting.md). */
export interface SharedFilesystemOptions extends CloudOptions {
  readonly database: DatabaseOptions;
  readonly identity: IdentityOf;
  /** The host's registry of extensions. Given: it answers `/extensions`. Absent: the router does, with its own entry. */
  readonly registerExtension?: ((entry: ExtensionEntry) => void) | undefined;
  /** Absent or empty: the API alone, nothing reconciles here. New filesystems go to the first. */
  readonly backends?: readonly BackendOptions[] | undefined;
  /** `10.20.0.0/16`, `10.20.0.0/16@<network id>`. Absent: no address counts. Null: every one does, for development. */
  readonly networks?: readonly string[] | null | undefined;
  /** `fixed` by default. */
  readonly addresses?: readonly AddressKind[] | undefined;
  /** How many addresses of one instance count, 8 by default. */
  readonly maxAddressesPerInstance?: number | undefined;
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
  /** Whether differences between backends and access lists are put right, `repair` by default. */
  readonly drift?: DriftOptions['mode'] | undefined;
  /** In which every volume is compared, and orphans are looked for, 600 by default. */
  readonly driftIntervalSeconds?: number | undefined;
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
const DRIFT_INTERVAL_SECONDS = 600;
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
  const { logger = SILENT, backends = [], registerExtension } = options;
  const metrics = options.metrics ? prometheusMetrics(options.metrics) : noMetrics;
  const clock = new DatabaseClock();
  const self = thisProcess();
  const configured = configure(backends, (each) => createDriver(each, { process: self }));
  const rule = countingRule(
    options,
    configured.flatMap(({ driver }) => driver.ownAddresses),
  );
  const directory = { rule, canAsk: options.compute !== undefined };
  const stores = openStores(options.database, clock, directory, self, backends[0]?.name ?? null, logger);
  const changes = new FilesystemChanges(clock);
  const grace = (options.deletionGraceSeconds ?? 0) * 1_000;
  const retentionDays = options.accessLogRetentionDays ?? ACCESS_LOG_RETENTION_DAYS;
  const drift = {
    mode: options.drift ?? 'repair',
    intervalMilliseconds: (options.driftIntervalSeconds ?? DRIFT_INTERVAL_SECONDS) * 1_000,
    mayBegin: options.compute && (async () => isCompared(await stores.resync.last(), begun, clock.now())),
  };
  const served = configured.map((each) => serveBackend(each, rule, stores, clock, grace, logger, metrics, drift));
  const nudge = () => {
    for (const backend of served) backend.wake();
  };
  const reports = new HostReports(stores.instances, changes, clock, nudge);
  const cloud = followCloud(options, rule, stores, clock, nudge, logger, metrics);
  let running: { readonly stop: AbortController; readonly ended: Promise<unknown> } | null = null;
  let begun = clock.now();
  const stopping = () => running?.stop.signal ?? AbortSignal.abort();

  const entry: ExtensionEntry = manifest.extension;
  registerExtension?.(entry);
  const router = createRouter({
    filesystems: stores.filesystems,
    instances: stores.instances,
    accessLog: stores.accessLog,
    accessLogRetentionDays: retentionDays,
    changes,
    nudge,
    clock,
    logger,
    metrics,
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
        backends: served.map(({ status }) => status),
        ...(await cloud.status()),
      };
    },
  };
}

/** @throws Error when two have one name */
function configure<Made>(backends: readonly BackendOptions[], make: (options: BackendOptions) => Made) {
  const names = backends.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two backends are named "${twice}": names are unique.`);
  return backends.map((options) => ({ options, driver: make(options) }));
}

/** Whether the directory has been compared with Compute's list since then, and what the list had not was asked about. */
function isCompared(last: ResyncRecord | null, since: Date, now: Date): boolean {
  if (last?.outcome !== 'complete' || last.begun < since) return false;
  return last.missing === 0 || now.getTime() >= last.ended.getTime() + ANSWERS_MILLISECONDS;
}
