import { performance } from 'node:perf_hooks';
import type { Clock } from '../ports/clock';
import type { Database } from './database';

/**
 * Postgres' time, measured at start and then now and again (`measure`), so that leases of several machines agree whatever
 * their own clocks say. In between it goes on by a clock that is never set.
 */
export class DatabaseClock implements Clock {
  /** Postgres' time minus `monotonic()`, milliseconds. */
  #offset = Date.now() - performance.now();

  now(): Date {
    return new Date(performance.now() + this.#offset);
  }

  monotonic(): number {
    return performance.now();
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, milliseconds));
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** Asks Postgres what time it is. */
  async measure(database: Database): Promise<void> {
    const before = this.monotonic();
    const [row] = await database.query<{ time: Date }>('select clock_timestamp() as time', []);
    const after = this.monotonic();
    if (row) this.#offset = row.time.getTime() - (before + after) / 2;
  }
}
