import type { Cause, Viewer } from './viewer';

/** A place in the access log, between two rows. */
export interface AccessLogPosition {
  readonly time: Date;
  readonly id: bigint;
}

/** One address of an instance was let in, or let in no more; the backend had confirmed it at that time. */
export interface AccessLogEntry extends AccessLogPosition {
  /** Null: no instance of ours had it, somebody else has let it in (cause `drift`). */
  readonly instanceId: string | null;
  /** Canonical. */
  readonly address: string;
  readonly granted: boolean;
  /** Null: not known. */
  readonly cause: Cause | null;
  /** The revision of the access list. */
  readonly revision: bigint;
}

export interface AccessLogQuery {
  /** From then on. */
  readonly since?: Date | undefined;
  /** Before that. */
  readonly until?: Date | undefined;
  readonly instanceId?: string | undefined;
  /** Canonical. */
  readonly address?: string | undefined;
  /** The list begins behind it. */
  readonly marker?: AccessLogPosition | undefined;
  readonly limit: number;
}

/** Who was let in at a time. */
export interface FormerAccess {
  readonly instanceId: string;
  /** Canonical, sorted as numbers. */
  readonly addresses: readonly string[];
}

/**
 * Who was let in and when, as the backends had confirmed. It outlives the instances that it speaks of. A viewer who is no
 * administrator sees the rows of instances that were of his project when they were written.
 */
export interface AccessLogStore {
  /** Sorted by time, the oldest first. */
  list(filesystemId: string, viewer: Viewer, query: AccessLogQuery): Promise<readonly AccessLogEntry[]>;
  /** Who was let in at that time, sorted by id in byte order. `marker` is an id: the list begins behind it. */
  at(
    filesystemId: string,
    viewer: Viewer,
    time: Date,
    page: { readonly marker?: string | undefined; readonly limit: number },
  ): Promise<readonly FormerAccess[]>;
  /**
   * Removes rows older than this, in small steps until the signal aborts; but those without which it could not be told who
   * was let in then. @returns how many
   */
  prune(before: Date, signal: AbortSignal): Promise<number>;
}
