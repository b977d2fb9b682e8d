import { createHash } from 'node:crypto';
import type { CountingRule } from './domain/address';
import type { BackendStore, UsageStore } from './ports/backend-store';
import type { Clock } from './ports/clock';
import type { DriftStore } from './ports/drift-store';
import type { Driver } from './ports/driver';
import type { BackendOptions, BackendStatus } from './ports/extension';
import type { Logger } from './ports/host';
import type { Metrics } from './ports/metrics';
import type { OrphanStore } from './ports/orphan-store';
import type { WorkStore } from './ports/work-store';
import { BackendHealth } from './sync/backend-health';
import { Drift, type DriftOptions } from './sync/drift';
import { GuardedDriver } from './sync/guarded-driver';
import { Orphans } from './sync/orphans';
import { Pace } from './sync/pace';
import { Reconcile } from './sync/reconcile';
import { Reconciler } from './sync/reconciler';
import { tellRoom } from './sync/room';
import { TimedDriver } from './sync/timed-driver';
import { Usage } from './sync/usage';

/** A backend with its driver, as this process is configured. */
export interface ConfiguredBackend {
  readonly options: BackendOptions;
  readonly driver: Driver;
}

/** The work on one backend in this process. */
export interface ServedBackend {
  readonly status: BackendStatus;
  /** Something may have become due. */
  wake(): void;
  /** A count of used space was asked for. */
  wakeUsage(): void;
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Puts together what works on one backend: its health, the runs, the loop that claims them, the counting, the comparing. */
export function serveBackend(
  { options, driver: plain }: ConfiguredBackend,
  rule: CountingRule,
  {
    work,
    backends,
    usage: counts,
    drift: comparisons,
    orphans: rows,
  }: {
    readonly work: WorkStore;
    readonly backends: BackendStore;
    readonly usage: UsageStore;
    readonly drift: DriftStore;
    readonly orphans: OrphanStore;
  },
  clock: Clock,
  deletionGraceMilliseconds: number,
  logger: Logger,
  metrics: Metrics,
  comparison: DriftOptions,
): ServedBackend {
  const { name } = options;
  const driver = new TimedDriver(name, new GuardedDriver(plain, rule), clock, metrics);
  const served = { name, fingerprint: fingerprint(rule, plain) };
  const health = new BackendHealth(served, options.driver, driver, backends, clock, logger, metrics);
  const reconcile = new Reconcile(
    work,
    driver,
    health,
    new Pace(clock),
    clock,
    Math.random,
    deletionGraceMilliseconds,
    logger,
    metrics,
  );
  const reconciler = new Reconciler(work, backends, health, reconcile, clock, logger, metrics);
  const usage = new Usage(counts, driver, health, clock, logger);
  const drift = new Drift(comparisons, driver, health, comparison, clock, Math.random, logger, metrics);
  const orphans = new Orphans(rows, driver, health, comparison, clock, Math.random, logger, metrics);
  return {
    get status() {
      return { ...health.status, orphans: orphans.count };
    },
    wake: () => reconciler.wake(),
    wakeUsage: () => usage.wake(),
    run: async (signal) => {
      await Promise.all([
        reconciler.run(signal),
        usage.run(signal),
        drift.run(signal),
        orphans.run(signal),
        tellRoom(backends, driver, health, clock, logger, signal),
      ]);
      // others know at once that nobody serves it, and else after a while
      await backends.leave(name).catch(() => undefined);
    },
  };
}

/** Of the settings that decide about lists and exports (docs/architecture.md, rule 14). */
function fingerprint(rule: CountingRule, { settings }: Driver): string {
  const { networks, kinds, excluded = [], mostPerInstance } = rule;
  const text = JSON.stringify([networks, kinds.toSorted(), excluded.toSorted(), mostPerInstance, settings]);
  return createHash('sha256').update(text).digest('hex');
}
