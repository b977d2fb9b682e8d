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

export interface BackendStore {
  /**
   * Makes the row where there is none. With another fingerprint than stored, takes ours: from then on processes with the
   * older one claim nothing, and all its filesystems are bumped, in slices, by `rebump`.
   */
  register(backend: ServedBackend, driver: string, lacks: readonly string[]): Promise<BackendRecord>;
  /** Bumps the next slice of filesystems that a new fingerprint concerns. @returns whether there is more */
  rebump(backend: string): Promise<boolean>;
  /** The marker is written. */
  marked(backend: string): Promise<void>;
  /** This process serves it. @returns the stored fingerprint: another than ours means that a newer configuration is in force */
  heartbeat(backend: string): Promise<string>;
}
