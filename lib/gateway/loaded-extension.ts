import { pathToFileURL } from 'node:url';
import type { RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import type { ExtensionStatus } from '../ports/extension';
import type { ExtensionEntry, Logger } from '../ports/host';
import type { Manifest } from './manifest';
import type { Settings } from './settings';

/** What every factory is called with (docs/hosting.md); one that needs less passes the rest over. */
export interface HostOptions
  extends Pick<
    Settings,
    | 'accessLogRetentionDays'
    | 'addresses'
    | 'backends'
    | 'compute'
    | 'deletionGraceSeconds'
    | 'drift'
    | 'driftIntervalSeconds'
    | 'eventReporters'
    | 'identity'
    | 'largestWithdrawal'
    | 'maxAddressesPerInstance'
    | 'maxLimit'
    | 'messageBus'
    | 'networks'
    | 'placement'
    | 'resyncIntervalSeconds'
  > {
  readonly database: { readonly connectionString: string };
  readonly registerExtension: (entry: ExtensionEntry) => void;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly publicUrl: string | undefined;
}

/** An extension that can be mounted. */
export interface LoadedExtension {
  readonly entry: ExtensionEntry;
  readonly mountPath: string;
  readonly router: RequestHandler;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Null: it does not say. */
  status(): Promise<ExtensionStatus | null>;
  /** Looks at the whole cloud again, where it can. */
  resync(): void;
}

/** What a factory answers with: the router, and what of the rest it has. */
type Made = Pick<LoadedExtension, 'router'> &
  Partial<Pick<LoadedExtension, 'start' | 'stop' | 'status'>> & {
    readonly instances?: { resync?(): void };
  };

/**
 * Loads an extension's module, CommonJS or ESM, and makes the extension; nothing is started.
 * @param load imports a module by its path
 * @throws Error naming the module
 */
export async function loadExtension(
  { entry, module, factory, mountPath }: Manifest,
  options: HostOptions,
  load: (file: string) => Promise<unknown> = (file) => import(pathToFileURL(file).href),
): Promise<LoadedExtension> {
  const make = member(await load(module), factory);
  if (typeof make !== 'function') throw new Error(`${module} exports no function "${factory}".`);
  const made: unknown = await make(options);
  if (!isMade(made)) throw new Error(`"${factory}" of ${module} answered without a router.`);
  options.registerExtension(entry); // for one that does not by itself; else it is there already
  return {
    entry,
    mountPath,
    router: made.router,
    start: async () => made.start?.(),
    stop: async () => made.stop?.(),
    status: async () => (await made.status?.()) ?? null,
    resync: () => made.instances?.resync?.(),
  };
}

/** An export; of a CommonJS module whose names Node could not tell, it is behind `default`. */
function member(namespace: unknown, name: string): unknown {
  for (const holder of [namespace, property(namespace, 'default')]) {
    const found = property(holder, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function property(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
}

function isMade(made: unknown): made is Made {
  const optional = ['start', 'stop', 'status'].map((name) => typeof property(made, name));
  return (
    typeof property(made, 'router') === 'function' &&
    optional.every((type) => type === 'function' || type === 'undefined')
  );
}
