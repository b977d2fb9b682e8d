import type { AccessList, AccessResult, Room, StoredVolume, Volume, VolumeRecord } from '../../ports/driver';

/** What tells clients of volumes who may mount them. A sibling of this one drives NFS-Ganesha. */
export interface NfsServer {
  /** Whether a list is in force when `sync` resolves, or only written. */
  readonly enforces: 'server' | 'file';
  /** As the driver's. */
  readonly largestNumber: number | null;
  /** Looks whether it can work, and changes nothing. @throws TerminalError */
  check(signal: AbortSignal): Promise<void>;
  /** Makes what it needs, once for a new backend. */
  prepare(): Promise<void>;
  /**
   * Makes exactly these addresses able to mount; where it may not grant, those of them that can now.
   * @param path the volume's, absolute
   * @throws NewerRevision
   */
  sync(volume: Volume, path: string, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult>;
  /** Who can mount now; no export: nobody. */
  read(volume: Volume, path: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Lets go of what is at the path of a volume that was not mounted until now, before it is exported: a server that was started
   * meanwhile may have opened the bare folder, on the filer's own file system.
   */
  release(volume: Volume, path: string, signal: AbortSignal): Promise<void>;
  /** Removes the export. None: no error. */
  remove(volume: Volume, path: string, signal: AbortSignal): Promise<void>;
  /** Numbers that exports have, whoever's. */
  numbers(signal: AbortSignal): Promise<ReadonlySet<number>>;
}

/**
 * Of a volume. One that is `mounted-now` was found unmounted by `has` or `ensure` since `record` was last called: what a
 * server exports at its place may still be the bare folder that lay there.
 */
export type Presence = 'present' | 'mounted-now' | 'absent';

/** Where volumes are. Siblings of `directory` enforce a size. */
export interface NfsVolumes {
  readonly quota: boolean;
  readonly shrink: boolean;
  readonly counts: 'live' | 'walk';
  readonly isolation: 'file-system' | 'none';
  /** As the driver's. */
  readonly largestNumber: number | null;
  /** @returns the identity in the marker, null where there is none. @throws TerminalError */
  check(signal: AbortSignal): Promise<string | null>;
  mark(identity: string, signal: AbortSignal): Promise<void>;
  /** Where a volume of this id is or would be, absolute. */
  pathOf(id: string): string;
  /** Whether it is there, and can be exported: one that is not mounted is mounted first. */
  has(id: string, signal: AbortSignal): Promise<Presence>;
  /** @throws VolumeLost, TerminalError */
  ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<void>;
  /** Writes down beside the volume whose it is, when its list is in force. */
  record(volume: Volume): Promise<void>;
  /** What was written down, of a volume in service or retired; null: nothing, or nothing that can be read. */
  readRecord(id: string): Promise<VolumeRecord | null>;
  usage(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>>;
  retire(id: string, signal: AbortSignal): Promise<void>;
  /** @throws VolumeLost */
  restore(id: string, signal: AbortSignal): Promise<void>;
  purge(id: string, signal: AbortSignal): Promise<void>;
  list(signal: AbortSignal): Promise<readonly StoredVolume[]>;
  numbers(signal: AbortSignal): Promise<ReadonlySet<number>>;
  room(signal: AbortSignal): Promise<Room | null>;
}
