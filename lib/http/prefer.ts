import type { Call } from './call';
import type { HttpServices } from './services';

const LONGEST_SECONDS = 60;
/** What a notification that got lost leaves unseen is looked for after so long. */
const LOOK_AGAIN_MILLISECONDS = 2_000;

/**
 * Reads `Prefer: wait=N` (RFC 7240 §4.3).
 * @returns whole seconds, 60 at most; null when there is none, or when it cannot be read
 */
export function waitSeconds(prefer: string | undefined): number | null {
  if (prefer === undefined) return null;
  for (const preference of prefer.split(',')) {
    const seconds = /^\s*wait\s*=\s*(?:(\d{1,9})|"(\d{1,9})")\s*(?:;.*)?$/i.exec(preference);
    if (seconds) return Math.min(LONGEST_SECONDS, Number(seconds[1] ?? seconds[2]));
  }
  return null;
}

/**
 * Looks until it is so, at every change of the filesystem, for so many seconds. Holds no database connection in between.
 * @param look null: not yet
 * @returns null when the time is over, the client has gone, or the extension stops
 */
export async function waitUntil<Found>(
  { changes, clock }: Pick<HttpServices, 'changes' | 'clock'>,
  filesystemId: string,
  seconds: number,
  { ended }: Pick<Call, 'ended'>,
  look: () => Promise<Found | null>,
): Promise<Found | null> {
  const signal = ended();
  const until = clock.monotonic() + seconds * 1_000;
  for (;;) {
    const left = until - clock.monotonic();
    const waiting = new AbortController();
    const end = () => waiting.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      // from before the look: a change in between is not missed
      const change = changes.next(filesystemId, Math.min(left, LOOK_AGAIN_MILLISECONDS), waiting.signal);
      const found = await look();
      if (found !== null || left <= 0 || signal.aborted) return found;
      await change;
    } finally {
      signal.removeEventListener('abort', end);
      waiting.abort();
    }
  }
}
