/**
 * Which process this is, in words that another process can check: leases and lock files carry it, so that what a killed
 * process held is free at once on the same host, and elsewhere after its time.
 */
export interface ProcessIdentity {
  /** One line of printable characters, unique among all processes of all hosts. */
  readonly text: string;
  /**
   * Whether the process of that identity is known to have ended: it ran on this host, among processes that this one can
   * see, and is not there any more. False also when that cannot be told.
   */
  isDead(text: string): boolean;
}
