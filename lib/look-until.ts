import type { Clock } from './ports/clock';
import type { Changes } from './ports/filesystem-store';

/** What a notification that got lost leaves unseen is looked for after so long. */
const LOOK_AGAIN_MILLISECONDS = 2_000;

/** What a look has found, and the filesystem whose next change may change it; null: it is what was waited for. */
export interface Look<Found> {
  readonly found: Found;
  readonly watch: string | null;
}

/**
 * Looks until it is so, at every change of the filesystem that the last look named. Holds no database connection in between.
 * @param watched the filesystem that the first look watches already; null: none, and a second look follows at once
 * @returns what the last look has found: also when the time is over, or the signal has aborted
 */
export async function lookUntil<Found>(
  { changes, clock }: { readonly changes: Changes; readonly clock: Clock },
  watched: string | null,
  milliseconds: number,
  signal: AbortSignal,
  look: () => Promise<Look<Found>>,
): Promise<Found> {
  const until = clock.monotonic() + milliseconds;
  for (let watching = watched; ; ) {
    const left = until - clock.monotonic();
    const waiting = new AbortController();
    const end = () => waiting.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      // from before the look: a change in between is not missed
      const pause = Math.min(left, LOOK_AGAIN_MILLISECONDS);
      const change = watching === null ? null : changes.next(watching, pause, waiting.signal);
      const { found, watch } = await look();
      if (watch === null || left <= 0 || signal.aborted) return found;
      if (watch === watching) await change;
      watching = watch;
    } finally {
      signal.removeEventListener('abort', end);
      waiting.abort();
    }
  }
}
