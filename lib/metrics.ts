import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Metrics } from './ports/metrics';

/** One metric's name, without the prefix, what it says, and what it is told apart by. */
interface Said<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
}

const PREFIX = 'shared_filesystem_';
const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PATIENT = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800, 7_200];

/** Keeps nothing: for a host that gives no registry. */
export const noMetrics: Metrics = {
  requestServed: () => {},
  runFinished: () => {},
  driverCalled: () => {},
  converged: () => {},
  lag: () => {},
  backendServed: () => {},
  backendUp: () => {},
  driftFound: () => {},
  orphans: () => {},
  busConnected: () => {},
  messageTaken: () => {},
  computeReachable: () => {},
  questionAsked: () => {},
  resyncFinished: () => {},
  resyncBraked: () => {},
};

/**
 * Keeps what is measured in a registry of prom-client (docs/operations.md, "Metrics"). Several extensions may share one: they
 * count together, told apart by the names of their backends.
 */
export function prometheusMetrics(registry: Registry): Metrics {
  const requests = histogram(registry, QUICK, {
    name: 'request_seconds',
    help: 'Time from a request to its answer, by route pattern.',
    labelNames: ['route', 'method', 'status'],
  });
  const runs = histogram(registry, QUICK, {
    name: 'run_seconds',
    help: 'Time of one run of the reconciler over one filesystem, by its outcome.',
    labelNames: ['backend', 'outcome'],
  });
  const calls = histogram(registry, QUICK, {
    name: 'driver_call_seconds',
    help: 'Time of one call of a storage driver.',
    labelNames: ['backend', 'method', 'outcome'],
  });
  const convergence = histogram(registry, PATIENT, {
    name: 'convergence_seconds',
    help: 'Time from a change of what should hold to its confirmation by the backend.',
    labelNames: ['backend'],
  });
  const due = gauge(registry, {
    name: 'due',
    help: 'Filesystems that wait for a run.',
    labelNames: ['backend'],
  });
  const oldest = gauge(registry, {
    name: 'lag_seconds',
    help: 'How long the filesystem that has waited longest for a run has waited.',
    labelNames: ['backend'],
  });
  const up = gauge(registry, {
    name: 'backend_up',
    help: '1 while the backend can be worked on, else 0.',
    labelNames: ['backend'],
  });
  const served = gauge(registry, {
    name: 'backend_served',
    help: '1 while some process serves the backend, this one or another, else 0.',
    labelNames: ['backend'],
  });
  const drift = counter(registry, {
    name: 'drift_total',
    help: 'Differences found between a backend and what was last confirmed of it, each counted once.',
    labelNames: ['backend', 'kind'],
  });
  const orphans = gauge(registry, {
    name: 'orphans',
    help: 'Volumes that stand on the backend without a row.',
    labelNames: ['backend'],
  });
  const cloud = cloudMetrics(registry);
  const failures = counter(registry, {
    name: 'driver_failures_total',
    help: 'Calls of a storage driver that failed.',
    labelNames: ['backend', 'method'],
  });
  return {
    requestServed: (route, method, status, seconds) => {
      requests.observe({ route, method, status: String(status) }, seconds);
    },
    runFinished: (backend, outcome, seconds) => runs.observe({ backend, outcome }, seconds),
    driverCalled: (backend, method, failed, seconds) => {
      calls.observe({ backend, method, outcome: failed ? 'failed' : 'done' }, seconds);
      if (failed) failures.inc({ backend, method });
    },
    converged: (backend, seconds) => convergence.observe({ backend }, seconds),
    lag: (backend, count, oldestSeconds) => {
      due.set({ backend }, count);
      oldest.set({ backend }, oldestSeconds);
    },
    backendServed: (backend, isServed) => served.set({ backend }, isServed ? 1 : 0),
    backendUp: (backend, isUp) => up.set({ backend }, isUp ? 1 : 0),
    driftFound: (backend, kind, count) => drift.inc({ backend, kind }, count),
    orphans: (backend, count) => orphans.set({ backend }, count),
    ...cloud,
  };
}

type CloudMetrics = Pick<
  Metrics,
  'busConnected' | 'messageTaken' | 'computeReachable' | 'questionAsked' | 'resyncFinished' | 'resyncBraked'
>;

/** Gauges are made when they are first set: where there is no bus or no Compute there is none that says 0. */
function cloudMetrics(registry: Registry): CloudMetrics {
  const set = (isOn: boolean, said: Said<never>) => gauge(registry, said).set(isOn ? 1 : 0);
  const messages = counter(registry, {
    name: 'messages_total',
    help: 'Messages of the bus: stored, ignored, or unreadable and why.',
    labelNames: ['outcome', 'kind'],
  });
  const questions = counter(registry, {
    name: 'questions_total',
    help: 'Questions to the Compute API about single instances, by their reason.',
    labelNames: ['reason', 'outcome'],
  });
  const resyncs = histogram(registry, PATIENT, {
    name: 'resync_seconds',
    help: "Time of one comparison with the Compute API's list of all instances, by its outcome.",
    labelNames: ['outcome'],
  });
  return {
    busConnected: (connected) => set(connected, BUS_CONNECTED),
    messageTaken: (outcome, kind) => messages.inc({ outcome, kind }),
    computeReachable: (reachable) => set(reachable, COMPUTE_UP),
    questionAsked: (reason, outcome) => questions.inc({ reason, outcome }),
    resyncFinished: (outcome, seconds) => resyncs.observe({ outcome }, seconds),
    resyncBraked: (isBraked) => set(isBraked, RESYNC_BRAKED),
  };
}

const BUS_CONNECTED: Said<never> = {
  name: 'bus_connected',
  help: '1 while messages of the bus are consumed, else 0.',
  labelNames: [],
};
const COMPUTE_UP: Said<never> = {
  name: 'compute_up',
  help: '1 while the Compute API answers as it should, else 0.',
  labelNames: [],
};
const RESYNC_BRAKED: Said<never> = {
  name: 'resync_braked',
  help: '1 when suspiciously many instances were missing at the last resync, else 0.',
  labelNames: [],
};

// A second extension with the same registry finds what the first has made: prom-client refuses a name twice.

function histogram<Label extends string>(registry: Registry, buckets: number[], said: Said<Label>): Histogram<Label> {
  const name = PREFIX + said.name;
  const present = registry.getSingleMetric(name);
  return present ? (present as Histogram<Label>) : new Histogram({ ...said, name, buckets, registers: [registry] });
}

function gauge<Label extends string>(registry: Registry, said: Said<Label>): Gauge<Label> {
  const name = PREFIX + said.name;
  const present = registry.getSingleMetric(name);
  return present ? (present as Gauge<Label>) : new Gauge({ ...said, name, registers: [registry] });
}

function counter<Label extends string>(registry: Registry, said: Said<Label>): Counter<Label> {
  const name = PREFIX + said.name;
  const present = registry.getSingleMetric(name);
  return present ? (present as Counter<Label>) : new Counter({ ...said, name, registers: [registry] });
}
