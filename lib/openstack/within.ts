import type { Clock } from '../ports/clock';

/**
 * Waits for a promise, but not longer than that. What it does goes on, and what it then throws is lost.
 * @returns whether it was in time
 */
export async function within(milliseconds: number, clock: Clock, promise: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  try {
    return await Promise.race([
      promise.then(() => true),
      clock.sleep(milliseconds, settled.signal).then(() => settled.signal.aborted),
    ]);
  } finally {
    settled.abort();
    promise.catch(() => undefined);
  }
}

/** Waits for a promise, but not longer than that after the abort; undefined: it was not in time. What it does goes on. */
export async function patientAfter<Result>(
  signal: AbortSignal,
  milliseconds: number,
  clock: Clock,
  promise: Promise<Result>,
): Promise<Result | undefined> {
  const settled = new AbortController();
  const patience = new Promise<undefined>((resolve) => {
    const wait = (): void => void clock.sleep(milliseconds, settled.signal).then(() => resolve(undefined));
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true, signal: settled.signal });
  });
  return Promise.race([promise, patience]).finally(() => settled.abort());
}
