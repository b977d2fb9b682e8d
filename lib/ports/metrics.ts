import type { DriftKind } from '../domain/drift';

/** What is measured (docs/operations.md). `lib/metrics.ts` keeps it for Prometheus; without a registry nothing is kept. */
export interface Metrics {
  /** One answered request. `route` is a pattern such as `/os-filesystem/{name}`, never a path as sent. */
  requestServed(route: string, method: string, status: number, seconds: number): void;
  /** One run of the reconciler. */
  runFinished(backend: string, outcome: RunOutcome, seconds: number): void;
  /** One call of a driver. */
  driverCalled(backend: string, method: string, failed: boolean, seconds: number): void;
  /** From a change of what should hold to its confirmation by the backend. */
  converged(backend: string, seconds: number): void;
  /** Filesystems of a backend that wait for a run now, and how long the oldest has waited. */
  lag(backend: string, due: number, oldestSeconds: number): void;
  /** Whether some process serves a backend, this one or another. */
  backendServed(backend: string, served: boolean): void;
  /** Whether a backend can be worked on. */
  backendUp(backend: string, up: boolean): void;
  /** Differences between a backend and what was last confirmed of it, new ones alone. */
  driftFound(backend: string, kind: DriftKind, count: number): void;
  /** Volumes that stand on a backend without a row, now. */
  orphans(backend: string, count: number): void;
  /** Whether messages of the bus are consumed. */
  busConnected(connected: boolean): void;
  /** One message of the bus. `kind` says in a word why it could not be read, empty for the others. */
  messageTaken(outcome: 'stored' | 'ignored' | 'unreadable', kind: string): void;
  /** Whether Compute answers. */
  computeReachable(reachable: boolean): void;
  /** One question to Compute about one instance. */
  questionAsked(reason: string, outcome: 'answered' | 'unanswered'): void;
  /** One comparison with Compute's list. */
  resyncFinished(outcome: string, seconds: number): void;
  /** Whether suspiciously many instances were missing at the last resync. */
  resyncBraked(braked: boolean): void;
}

/** `lost`: the lease was. `stopped`: the process ends, the next one goes on. */
export type RunOutcome =
  | 'applied'
  | 'stopped'
  | 'parked'
  | 'postponed'
  | 'failed'
  | 'overtaken'
  | 'lost'
  | 'retired'
  | 'purged';
