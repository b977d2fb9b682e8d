import type { Registry } from 'prom-client';
import { configureBackends } from './configured-backends';
import { type CountingOptions, countingRule } from './counting-rule';
import { type DriftSettings, driftOptions } from './drift-options';
import { noMetrics, prometheusMetrics } from './metrics';
import { packageVersion } from './package-root';
import type { BackendOptions, BackendStatus, ExtensionStatus, NamedBackend } from './ports/extension';
import type { Logger } from './ports/host';
import { thisProcess } from './process-identity';
import { type ConfiguredBackend, serveBackend } from './served-backends';
import { DatabaseClock } from './store/clock';
import type { DatabaseOptions } from './store/database';
import { requireSchema } from './store/migrate';
import { openStores } from './store/stores';

/** What works beside a filer needs to know (docs/filers.md). */
export interface ReconcilerOptions extends CountingOptions, DriftSettings {
  readonly database: DatabaseOptions;
  /** Of the filer's own file. */
  readonly backends: readonly (BackendOptions | NamedBackend)[];
  /** The names of those that are worked on here. */
  readonly only: readonly string[];
  readonly deletionGraceSeconds: number;
  readonly logger: Logger;
  readonly metrics?: Registry | undefined;
}

/** The reconciler without the API: it has no Keystone, Compute or broker, and never changes the schema. */
export interface ReconcilerAlone {
  /** @throws Unavailable while Postgres is out of reach, or its schema is not there yet: it may be tried again */
  start(): Promise<void>;
  /** Ends runs in order, gives back what was claimed. */
  stop(): Promise<void>;
  status(): Promise<Pick<ExtensionStatus, 'ready' | 'database' | 'backends'>>;
  readonly backends: readonly BackendStatus[];
}

const CLOCK_MILLISECONDS = 60_000;

/** @throws Error naming an option that is wrong; nothing is connected yet */
export function createReconciler(options: ReconcilerOptions): ReconcilerAlone {
  const { logger } = options;
  const metrics = options.metrics ? prometheusMetrics(options.metrics) : noMetrics;
  const clock = new DatabaseClock();
  const self = thisProcess();
  const configured = configureBackends(options.backends, [], self);
  const rule = countingRule(options, configured.ownAddresses);
  const stores = openStores(options.database, clock, { rule, canAsk: false }, self, null, logger, packageVersion());
  const grace = options.deletionGraceSeconds * 1_000;
  const served = chosen(configured.served, options.only).map((each) =>
    serveBackend(each, rule, stores, clock, grace, logger, metrics, driftOptions(options)),
  );
  const statuses = () => served.map(({ status }) => status);
  let running: { readonly stop: AbortController; readonly ended: Promise<unknown> } | null = null;

  const measureClock = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(CLOCK_MILLISECONDS, signal);
      if (!signal.aborted) await clock.measure(stores.database).catch(() => undefined);
    }
  };

  return {
    start: async () => {
      if (running) return;
      stores.database.open();
      await requireSchema(stores.database);
      await clock.measure(stores.database);
      const stop = new AbortController();
      const { signal } = stop;
      const listener = {
        due: () => {
          for (const backend of served) backend.wake();
        },
        usageWanted: () => {
          for (const backend of served) backend.wakeUsage();
        },
        questionRaised: () => {},
        changed: () => {},
      };
      const ended = Promise.all([
        stores.signals.listen(listener, signal),
        measureClock(signal),
        ...served.map((backend) => backend.run(signal)),
      ]);
      running = { stop, ended };
    },
    stop: async () => {
      running?.stop.abort();
      await running?.ended;
      running = null;
      await stores.close();
    },
    status: async () => {
      const message = running ? await stores.trouble() : 'It has not been started.';
      return { ready: message === null, database: { reachable: message === null, message }, backends: statuses() };
    },
    get backends() {
      return statuses();
    },
  };
}

/** @throws Error when one of the names is not among them */
function chosen(configured: readonly ConfiguredBackend[], names: readonly string[]): readonly ConfiguredBackend[] {
  return [...new Set(names)].map((name) => {
    const found = configured.find(({ options }) => options.name === name);
    if (!found)
      throw new Error(
        `--backend ${name}: BACKENDS of this machine has no backend of that name with a driver and its settings.`,
      );
    return found;
  });
}
