import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
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

  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    // An abort only ends the wait.
    await wait(Math.max(0, milliseconds), undefined, { signal }).catch(() => undefined);
  }

  /** Asks Postgres what time it is. */
  async measure(database: Database): Promise<void> {
    const before = this.monotonic();
    const [row] = await database.query<{ time: Date }>('select clock_timestamp() as time', []);
    const after = this.monotonic();
    if (row) this.#offset = row.time.getTime() - (before + after) / 2;
  }
}
