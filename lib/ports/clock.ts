/** Time as the service sees it. Specs pass one that they move by hand, so no spec sleeps. */
export interface Clock {
  /** Postgres' time in a running process, so that leases of several machines agree. */
  now(): Date;
  /** Milliseconds since some moment of this process, never set back: what a process measures its own leases by. */
  monotonic(): number;
  /** Resolves after `milliseconds`, or as soon as `signal` aborts: the caller looks at the signal, nothing is thrown. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}
