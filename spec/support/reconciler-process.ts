import { createDriver } from '../../lib/drivers';
import { noMetrics } from '../../lib/metrics';
import type { Driver } from '../../lib/ports/driver';
import { thisProcess } from '../../lib/process-identity';
import { serveBackend } from '../../lib/served-backends';
import { DatabaseClock } from '../../lib/store/clock';
import { openStores } from '../../lib/store/stores';
import { DIRECTORY, EVERYTHING_COUNTS } from './rules';

/*
 * A process that reconciles, for specs that kill it. It halts for good at the point that it is told, and says so:
 * `claimed` before the driver is called, `called` when the list is written, before it is settled.
 */

export interface ReconcilerProcessSettings {
  readonly url: string;
  readonly folder: string;
  readonly haltAt: 'claimed' | 'called' | null;
  /** It halts at a list that has this address, or (`!10.0.0.1`) at one that has it not. */
  readonly haltWith: string;
  /** As if on another machine: nobody can tell whether it has ended. */
  readonly elsewhere: boolean;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as ReconcilerProcessSettings;
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
function isHaltedBy(addresses: readonly string[]): boolean {
  const { haltWith } = settings;
  return haltWith.startsWith('!') ? !addresses.includes(haltWith.slice(1)) : addresses.includes(haltWith);
}

/** Does as the driver does, but never comes back from the call before or after which it is to halt. */
function halting(driver: Driver): Driver {
  const halt = async (): Promise<never> => {
    process.send?.(settings.haltAt);
    return new Promise(() => undefined);
  };
  return new Proxy(driver, {
    get: (target, property) => {
      if (property !== 'syncAccess') {
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (...call: Parameters<Driver['syncAccess']>) => {
        if (!isHaltedBy(call[1].addresses)) return target.syncAccess(...call);
        if (settings.haltAt === 'claimed') await halt();
        const result = await target.syncAccess(...call);
        if (settings.haltAt === 'called') await halt();
        return result;
      };
    },
  });
}

async function main(): Promise<void> {
  const clock = new DatabaseClock();
  const real = thisProcess();
  const self = settings.elsewhere ? { text: `elsewhere/${process.pid}`, isDead: () => false } : real;
  const options = {
    name: 'default',
    driver: 'nfs',
    server: 'exports-file',
    volumes: { kind: 'directory', root: `${settings.folder}/volumes` },
    exports: { directory: `${settings.folder}/exports`, exportAddress: '192.0.2.1' },
  };
  const driver = halting(createDriver(options, { process: real }));
  const stores = openStores({ connectionString: settings.url }, clock, DIRECTORY, self, 'default', SILENT, '0.0.0');
  await stores.open();
  await clock.measure(stores.database);
  const backend = serveBackend({ options, driver }, EVERYTHING_COUNTS, stores, clock, 0, SILENT, noMetrics, {
    mode: 'off',
    intervalMilliseconds: 600_000,
  });
  const { signal } = new AbortController();
  const listener = {
    due: () => backend.wake(),
    usageWanted: () => backend.wakeUsage(),
    questionRaised: () => {},
    changed: () => {},
  };
  await Promise.all([backend.run(signal), stores.signals.listen(listener, signal)]);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
