import { noMetrics } from '../../lib/metrics';
import type { Driver } from '../../lib/ports/driver';
import type { BackendStatus } from '../../lib/ports/extension';
import type { RunOutcome } from '../../lib/ports/metrics';
import type { ProcessIdentity } from '../../lib/ports/process';
import { BackendHealth } from '../../lib/sync/backend-health';
import { Pace } from '../../lib/sync/pace';
import { Reconcile } from '../../lib/sync/reconcile';
import { Reconciler } from '../../lib/sync/reconciler';
import { TimedDriver } from '../../lib/sync/timed-driver';
import type { HandClock } from './hand-clock';
import { BACKEND, storesOver } from './stores';

export const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
export const NO_METRICS = noMetrics;

/** A reconciler as a process has it, on a clock that is moved by hand. */
export interface TestReconciler {
  readonly outcomes: readonly RunOutcome[];
  readonly status: BackendStatus;
  wake(): void;
  /** Resolves when everything has ended in order. */
  stop(): Promise<void>;
}

/** Starts one over a database and a storage backend. */
export function startReconciler(
  url: string,
  clock: HandClock,
  driver: Driver,
  {
    process,
    deletionGrace = 0,
    fingerprint = BACKEND.fingerprint,
    name = BACKEND.name,
  }: { process?: ProcessIdentity; deletionGrace?: number; fingerprint?: string; name?: string } = {},
): TestReconciler {
  const { work, backends, database } = storesOver(url, clock, process ? { process } : {});
  const outcomes: RunOutcome[] = [];
  const metrics = { ...NO_METRICS, runFinished: (_: string, outcome: RunOutcome) => outcomes.push(outcome) };
  const timed = new TimedDriver(name, driver, clock, metrics);
  const health = new BackendHealth({ name, fingerprint }, 'in-memory', timed, backends, clock, SILENT, metrics);
  const reconcile = new Reconcile(work, timed, health, new Pace(clock), clock, () => 1, deletionGrace, SILENT, metrics);
  const reconciler = new Reconciler(work, backends, health, reconcile, clock, SILENT, metrics);
  const stop = new AbortController();
  const ended = reconciler.run(stop.signal);
  return {
    outcomes,
    get status() {
      return health.status;
    },
    wake: () => reconciler.wake(),
    stop: async () => {
      stop.abort();
      await ended;
      await database.close();
    },
  };
}
