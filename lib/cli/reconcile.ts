import { once } from 'node:events';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createHealthApp } from '../gateway/health-app';
import { type Listener, listen } from '../gateway/listener';
import type { Settings } from '../gateway/settings';
import { startWhenPossible } from '../gateway/start-when-possible';
import type { Logger } from '../ports/host';
import { createReconciler, type ReconcilerAlone } from '../reconciler-alone';
import { withoutPassword } from './announcement';

/**
 * Works on these backends until the signal aborts, and serves no API (docs/filers.md).
 * @throws Error with words for the operator; everything that was started is stopped then
 */
export async function reconcile(
  settings: Settings,
  only: readonly string[],
  version: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { databaseUrl } = settings;
  if (databaseUrl === null)
    throw new Error('DATABASE_URL is missing: reconcile works on the database of the API, as a role of its own.');
  warn(settings, logger);
  const metrics = new Registry();
  const reconciler = createReconciler({
    database: { connectionString: databaseUrl },
    backends: settings.backends,
    only,
    // that every address counts is for development, where the API reconciles
    networks: settings.networks ?? undefined,
    addresses: settings.addresses,
    maxAddressesPerInstance: settings.maxAddressesPerInstance,
    deletionGraceSeconds: settings.deletionGraceSeconds,
    drift: settings.drift,
    driftIntervalSeconds: settings.driftIntervalSeconds,
    logger,
    metrics,
  });
  const health = await listenForHealth(settings, reconciler, metrics);
  try {
    await startWhenPossible(() => reconciler.start(), {}, logger, signal);
    if (!signal.aborted) {
      const backends = reconciler.backends.map(({ name, driver, lacks }) => ({ name, driver, lacks }));
      logger.info(
        { version, database: withoutPassword(databaseUrl), backends, url: health?.url ?? null },
        'reconciling',
      );
      if (!signal.aborted) await once(signal, 'abort');
      logger.info({}, 'stopping');
    }
  } finally {
    await health?.drain();
    await reconciler.stop();
    await health?.close();
    metrics.clear();
  }
  logger.info({}, 'stopped');
}

async function listenForHealth(
  { host, healthPort: port }: Settings,
  reconciler: ReconcilerAlone,
  metrics: Registry,
): Promise<Listener | null> {
  if (port === null) return null;
  collectDefaultMetrics({ register: metrics });
  return listen(
    { host, port, loopbackOnly: false, setting: 'HEALTH_PORT' },
    createHealthApp(() => reconciler.status(), metrics),
  );
}

/** Of settings that say more or less than is good for a filer. */
function warn({ networks, compute, messageBus }: Settings, logger: Logger): void {
  if (networks === undefined || networks === null)
    logger.warn({}, 'NETWORKS is not set: no address counts, nobody is let in');
  const unused = [...(messageBus ? ['AMQP_URL'] : []), ...(compute ? ['COMPUTE_URL', 'COMPUTE_TOKEN'] : [])];
  if (unused.length > 0)
    logger.warn({ unused }, 'settings of the API are not used here: take its credentials away from this machine');
}
