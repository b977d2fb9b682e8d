import { setTimeout as wait } from 'node:timers/promises';

const SHORTEST_PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 500;

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
