import type { Clock } from '../../lib/ports/clock';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that stands until it is moved. */
export class HandClock implements Clock {
  #elapsed = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(private readonly begin = new Date('2026-11-24T12:00:00Z')) {}

  now(): Date {
    return new Date(this.begin.getTime() + this.#elapsed);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        until: this.#elapsed + Math.max(0, milliseconds),
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      if (signal.aborted) return resolve();
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** Moves on, and wakes who has slept long enough. */
  advance(milliseconds: number): void {
    this.#elapsed += milliseconds;
    for (const { until, wake } of this.#sleepers) if (until <= this.#elapsed) wake();
  }
}
