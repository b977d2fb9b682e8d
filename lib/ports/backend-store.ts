import type { Capabilities, Room } from './driver';
import type { BackendState } from './extension';
import type { ServedBackend } from './work-store';

/** What the counting of used space needs of the store. */
export interface UsageStore {
  /** Volumes whose use is to be counted: asked for, or last counted before this time; at most `limit`. */
  usageDue(backend: string, countedBefore: Date, limit: number): Promise<readonly string[]>;
  /** Bytes by volume; null: it was looked for and could not be told, and what was known stays. */
  recordUsage(backend: string, usage: ReadonlyMap<string, bigint | null>): Promise<void>;
}

/** What the database holds of a backend. */
export interface BackendRecord {
  readonly name: string;
  /** The UUID that also stands in the marker at the root of the storage. */
  readonly identity: string;
  /** Whether the marker was ever written: storage without one is then not its storage. */
  readonly marked: boolean;
  readonly fingerprint: string;
}

/** What a process tells of a backend that it serves, every few seconds. */
export interface Heartbeat {
  readonly state: BackendState;
  /** Why it is not up; null when it is. */
  readonly message: string | null;
}

/** What a process learns when it tells of a backend. */
export interface Echo {
  /** As stored: another than ours means that a newer configuration is in force. */
  readonly fingerprint: string;
  /** Another process can work on it. */
  readonly isUpElsewhere: boolean;
}

/** What the database holds of who serves a backend: for processes that do not serve it themselves. */
export interface BackendServing {
  readonly name: string;
  /** Null: no process has ever served it. */
  readonly driver: string | null;
  readonly lacks: readonly string[];
  /** Whether there are filesystems on it. */
  readonly isUsed: boolean;
  /** When a process last told that it serves it; null: never. */
  readonly heartbeat: Date | null;
  /** Of the processes that told so lately, the one that can do most; null: there is none. */
  readonly served: (Heartbeat & { readonly version: string }) | null;
}

/** A process that has not told of a backend for so long does not serve it any more. */
export const STALE_MILLISECONDS = 30_000;

export interface BackendStore {
  /** What is known of it; null: it was never registered. */
  find(backend: string): Promise<BackendRecord | null>;
  /**
   * Makes the row where there is none. With another fingerprint than stored, takes ours: from then on processes with the
   * older one claim nothing, and all its filesystems are bumped, in slices, by `rebump`.
   */
  register(
    backend: ServedBackend,
    driver: string,
    lacks: readonly string[],
    isolation: Capabilities['isolation'],
  ): Promise<BackendRecord>;
  /** Bumps the next slice of filesystems that a new fingerprint concerns. @returns whether there is more */
  rebump(backend: string): Promise<boolean>;
  /**
   * Runs `mark` for a backend whose marker was never written, one process at a time: of two that have different storage under
   * one name the other one finds it done.
   * @param mark writes the marker. @returns whether it stands there
   */
  enroll(backend: string, mark: () => Promise<boolean>): Promise<void>;
  /** This process serves it. */
  heartbeat(backend: ServedBackend, heartbeat: Heartbeat): Promise<Echo>;
  /** This process serves it no more. */
  leave(backend: string): Promise<void>;
  /** What there is of storage. Null: it cannot be told. */
  tellRoom(backend: string, room: Room | null): Promise<void>;
}

/** What the database holds of all backends: for processes that serve the API. */
export interface ServingStore {
  /** Every backend that is registered, or that filesystems are on, sorted by name. */
  servings(): Promise<readonly BackendServing[]>;
}
