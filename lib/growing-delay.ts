/**
 * How long to wait after a failure: doubles from `first` to `longest`, the last half of it random, so that what failed together
 * does not return together.
 * @param first milliseconds, as `longest`
 * @param failures in a row before this one, 0 or more
 * @returns milliseconds
 */
export function growingDelay(first: number, longest: number, failures: number, random: () => number): number {
  const most = Math.min(longest, first * 2 ** failures);
  return most / 2 + (most / 2) * random();
}
