import { collectDefaultMetrics, Registry } from 'prom-client';
import type { BackendStatus } from '../ports/extension';
import type { Logger } from '../ports/host';
import { createApp } from './app';
import type { Served } from './health';
import { listen } from './listener';
import { type LoadedExtension, loadExtension } from './loaded-extension';
import { readManifest } from './manifest';
import { ExtensionRegistry } from './registry';
import type { Settings } from './settings';
import { startWhenPossible } from './start-when-possible';

/** A gateway that listens. */
export interface Gateway {
  /** Where it listens. */
  readonly url: string;
  /** Loads the extensions and starts them; until it resolves requests are answered with 503. */
  serve(connectionString: string, signal: AbortSignal): Promise<void>;
  /** What the extensions keep their volumes on. */
  backends(): Promise<readonly BackendStatus[]>;
  /** Has the extensions look at the whole cloud again. */
  resync(): void;
  /** Takes no more requests, ends those that there are, then stops the extensions. */
  stop(): Promise<void>;
}

/**
 * Listens at once, so that a port in use is known before anything is touched, and a probe is answered while Postgres starts.
 * @throws Error with one sentence for the operator
 */
export async function openGateway(settings: Settings, logger: Logger): Promise<Gateway> {
  const manifests = settings.extensions.map(readManifest);
  const registry = new ExtensionRegistry();
  const metrics = new Registry();
  let served: Served = { extensions: [], started: false };
  let url = '';
  const app = createApp({
    registry,
    identity: settings.identity,
    metrics,
    logger,
    base: () => settings.publicUrl ?? url,
    served: () => served,
  });
  const listener = await listen({ host: settings.host, port: settings.port, loopbackOnly: settings.development }, app);
  url = listener.url;
  collectDefaultMetrics({ register: metrics });

  return {
    url,
    serve: async (connectionString, signal) => {
      const options = {
        database: { connectionString },
        identity: settings.identity,
        registerExtension: (entry: LoadedExtension['entry']) => registry.add(entry),
        backends: settings.backends,
        placement: settings.placement,
        networks: settings.networks,
        addresses: settings.addresses,
        maxAddressesPerInstance: settings.maxAddressesPerInstance,
        compute: settings.compute,
        resyncIntervalSeconds: settings.resyncIntervalSeconds,
        largestWithdrawal: settings.largestWithdrawal,
        messageBus: settings.messageBus,
        accessLogRetentionDays: settings.accessLogRetentionDays,
        logger,
        metrics,
        publicUrl: settings.publicUrl ?? undefined,
        maxLimit: settings.maxLimit,
        eventReporters: settings.eventReporters,
        deletionGraceSeconds: settings.deletionGraceSeconds,
        drift: settings.drift,
        driftIntervalSeconds: settings.driftIntervalSeconds,
      };
      for (const manifest of manifests) {
        const extension = await loadExtension(manifest, options);
        served = { extensions: [...served.extensions, extension], started: false };
      }
      for (const extension of served.extensions)
        await startWhenPossible(() => extension.start(), { alias: extension.entry.alias }, logger, signal);
      served = { ...served, started: !signal.aborted };
    },
    backends: async () => {
      const all = await Promise.all(served.extensions.map((extension) => extension.status()));
      return all.flatMap((status) => status?.backends ?? []);
    },
    resync: () => {
      for (const extension of served.extensions) extension.resync();
    },
    stop: async () => {
      await listener.drain();
      for (const extension of served.extensions.toReversed()) await extension.stop();
      await listener.close();
      metrics.clear();
    },
  };
}
