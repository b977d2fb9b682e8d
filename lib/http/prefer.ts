import { lookUntil } from '../look-until';
import type { Call } from './call';
import type { HttpServices } from './services';

const LONGEST_SECONDS = 60;

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
 * Looks until it is so, at every change of the filesystem, for so many seconds.
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
  const lookOnce = async () => {
    const found = await look();
    return { found, watch: found === null ? filesystemId : null };
  };
  return lookUntil({ changes, clock }, filesystemId, seconds * 1_000, ended(), lookOnce);
}
