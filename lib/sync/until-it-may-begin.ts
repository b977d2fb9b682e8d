import type { Clock } from '../ports/clock';

/** When what is found on a backend may be put right. */
export interface Beginning {
  /** Within which it begins in any case. */
  readonly intervalMilliseconds: number;
  /**
   * Whether the directory of instances is known to be of now: after a backup was restored, to put a list right would let in
   * instances that have ended since, and take away the mounts of those that are new. Absent: nobody can be asked.
   */
  readonly mayBegin?: (() => Promise<boolean>) | undefined;
}

/** It is asked so many times in an interval. */
const QUESTIONS = 60;

/** Waits for the directory of instances to be of now, an interval at most, or until the signal aborts. */
export async function untilItMayBegin(
  { mayBegin, intervalMilliseconds }: Beginning,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (!mayBegin) return;
  const latest = clock.monotonic() + intervalMilliseconds;
  while (!signal.aborted && clock.monotonic() < latest) {
    if (await mayBegin().catch(() => false)) return;
    await clock.sleep(intervalMilliseconds / QUESTIONS, signal);
  }
}
