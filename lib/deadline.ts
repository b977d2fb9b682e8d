import type { Clock } from './ports/clock';

/**
 * Works for so long at most. Does not wait for work that ignores its signal: it is left behind.
 * @param work is told when to give up by its signal, and may look at it late
 * @param milliseconds null: as long as it takes
 * @param late what is thrown when the time is over
 * @throws the reason of `signal` when it aborts
 */
export async function withDeadline<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  milliseconds: number | null,
  late: () => Error,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted();
  const attempt = new AbortController();
  const giveUp = () => attempt.abort(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  const slept =
    milliseconds !== null &&
    clock.sleep(milliseconds, attempt.signal).then(() => attempt.signal.aborted || attempt.abort(late()));
  try {
    return await untilAborted(work(attempt.signal), attempt.signal);
  } catch (error) {
    attempt.signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    attempt.abort();
    await slept;
  }
}

/** The work's result, or the signal's reason as soon as it aborts: the work itself is left behind. */
export async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
