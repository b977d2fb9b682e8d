import { setTimeout as wait } from 'node:timers/promises';

const SHORTEST_PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 500;

/**
 * Works for so long at most, by the clock of this process.
 * @param late what its signal then aborts with
 * @throws that, or the reason of `signal` when it aborts
 */
export async function forAtMost<Result>(
  milliseconds: number,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(late()), milliseconds);
  try {
    return await work(AbortSignal.any([signal, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Looks until something has come about; Manila accepts what it is asked for, and does it later. @param look null: not yet */
export async function pollUntil<Result>(look: () => Promise<Result | null>, signal: AbortSignal): Promise<Result> {
  for (let pause = SHORTEST_PAUSE_MILLISECONDS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MILLISECONDS)) {
    const found = await look();
    if (found !== null) return found;
    try {
      await wait(pause, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}
