import type { Clock } from '../ports/clock';

/** Runs a second from which on a filesystem is left alone for a moment after its run. */
const CALM = 20;
/** Runs a second at which that moment is longest. */
const STORM = 200;
const LONGEST_PAUSE_MILLISECONDS = 1_000;
const LONGEST_GRANT_PAUSE_MILLISECONDS = 5_000;
const WINDOW_MILLISECONDS = 1_000;

/** How long to leave a filesystem alone after a run, so that storms of changes coalesce (docs/architecture.md, rule 15). */
export class Pace {
  /** When the runs of the last second ended. */
  readonly #ends: number[] = [];

  constructor(private readonly clock: Clock) {}

  /**
   * Counts a run that has ended.
   * @param duration of the run, milliseconds
   * @returns milliseconds until the next run of that filesystem; and of one that only grants, so that nobody's loop of
   *   instances keeps a long list moving
   */
  ended(duration: number): { readonly pause: number; readonly grantPause: number } {
    const now = this.clock.monotonic();
    this.#ends.push(now);
    while ((this.#ends[0] ?? now) <= now - WINDOW_MILLISECONDS) this.#ends.shift();
    const storm = (this.#ends.length - CALM) / (STORM - CALM);
    const pause = LONGEST_PAUSE_MILLISECONDS * Math.min(1, Math.max(0, storm));
    return { pause, grantPause: Math.max(pause, Math.min(LONGEST_GRANT_PAUSE_MILLISECONDS, 2 * duration)) };
  }
}
