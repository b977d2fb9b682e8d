const SAME_KEY_MILLISECONDS = 500;

/**
 * Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. Under npm one Ctrl-C arrives twice, from the
 * terminal and from npm: what follows within half a second is the same.
 * @param quit ends the process
 */
export function stopSignal(quit: (code: number) => void): AbortSignal {
  const stop = new AbortController();
  let first = Number.POSITIVE_INFINITY;
  const stopOrQuit = (code: number) => () => {
    const now = performance.now();
    if (now - first > SAME_KEY_MILLISECONDS) quit(code);
    first = Math.min(first, now);
    stop.abort();
  };
  // The shell's codes of a process that a signal ended.
  process.on('SIGINT', stopOrQuit(130));
  process.on('SIGTERM', stopOrQuit(143));
  return stop.signal;
}
