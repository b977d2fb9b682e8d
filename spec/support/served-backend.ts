import { Registry } from 'prom-client';
import { prometheusMetrics } from '../../lib/metrics';
import type { Driver } from '../../lib/ports/driver';
import type { BackendStatus } from '../../lib/ports/extension';
import { serveBackend } from '../../lib/served-backends';
import type { DriftOptions } from '../../lib/sync/drift';
import type { HandClock } from './hand-clock';
import { EVERYTHING_COUNTS } from './rules';
import { BACKEND, storesOver } from './stores';

/** One line of the log. */
export interface Told {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A process that serves the default backend with all its loops, on a clock that is moved by hand. */
export interface TestProcess {
  readonly status: BackendStatus;
  readonly log: readonly Told[];
  /** The lines with this message. */
  told(message: string): readonly Told[];
  /** The metrics' text. */
  metrics(): Promise<string>;
  /** Lets time pass until `look` finds what it looks for. */
  until<Found>(look: () => Promise<Found | undefined | false | null>): Promise<Found>;
  /** Lets so many rounds of comparisons pass. */
  rounds(count: number): Promise<void>;
  stop(): Promise<void>;
}

export const INTERVAL = 30_000;
/** Short against a share of the interval. */
const STEP = 400;

/** Starts one over a database and a storage backend. */
export function startProcess(
  url: string,
  clock: HandClock,
  driver: Driver,
  {
    mode = 'repair',
    deletionGrace = 0,
    mayBegin,
  }: Partial<Pick<DriftOptions, 'mode' | 'mayBegin'>> & { readonly deletionGrace?: number } = {},
): TestProcess {
  const stores = storesOver(url, clock);
  const registry = new Registry();
  const log: Told[] = [];
  const tell = (level: Told['level']) => (facts: object, message: string) =>
    void log.push({ level, message, facts: facts as Told['facts'] });
  const logger = { debug: () => {}, info: tell('info'), warn: tell('warn'), error: tell('error') };
  const served = serveBackend(
    { options: { name: BACKEND.name, driver: 'in-memory' }, driver },
    EVERYTHING_COUNTS,
    stores,
    clock,
    deletionGrace,
    logger,
    prometheusMetrics(registry),
    { mode, intervalMilliseconds: INTERVAL, mayBegin },
  );
  const stopping = new AbortController();
  const ended = served.run(stopping.signal);
  /** Time passes in steps in which everybody gets his answers from Postgres. */
  const pass = async (milliseconds: number) => {
    served.wake();
    clock.advance(milliseconds);
    for (let answered = 0; answered < 4; answered += 1) await stores.database.query('select 1', []);
    await new Promise(setImmediate);
  };
  return {
    get status() {
      return served.status;
    },
    log,
    told: (message) => log.filter((each) => each.message === message),
    metrics: () => registry.metrics(),
    until: async (look) => {
      for (;;) {
        const found = await look();
        if (found !== undefined && found !== false && found !== null) return found;
        await pass(200);
      }
    },
    rounds: async (count) => {
      for (let passed = 0; passed < count * INTERVAL; passed += STEP) await pass(STEP);
    },
    stop: async () => {
      stopping.abort();
      let isOver = false;
      const over = ended.finally(() => {
        isOver = true;
      });
      while (!isOver) await pass(1_000);
      await over;
      await stores.database.close();
    },
  };
}
