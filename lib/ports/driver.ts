import type { Filesystem } from '../domain/filesystem';

/**
 * What a driver may know of a filesystem. Volumes are addressed by `id` alone; the rest goes into the record that stands
 * beside the volume, from which an operator can adopt it when the database was lost. Who may mount it reaches a driver as addresses.
 */
export type Volume = Pick<
  Filesystem,
  'id' | 'name' | 'size' | 'owner' | 'scope' | 'project' | 'desiredRevision' | 'number'
>;

/** What stands beside every volume: whose it is, for an operator who has lost the database. Nothing of it is believed by itself. */
export interface VolumeRecord {
  readonly name: string;
  readonly owner: string;
  readonly scope: string;
  readonly project: string | null;
  /** As written, `4Gb`. */
  readonly size: string;
  readonly revision: bigint;
  /** Its number on the backend; null or absent: it has none. An adopted volume keeps it: its export may stand under it. */
  readonly number?: number | null | undefined;
}

/** A volume that stands on a backend, whether the database knows of it or not. */
export interface StoredVolume {
  readonly id: string;
  /** Out of service: its data is set aside. */
  readonly retired: boolean;
}

/** What a backend has of storage, in bytes. */
export interface Room {
  readonly totalBytes: bigint;
  readonly freeBytes: bigint;
}

export interface AccessList {
  /** IPv4 and IPv6 addresses in canonical text form (RFC 5952), sorted as numbers, IPv4 first, each once. Empty: nobody. */
  readonly addresses: readonly string[];
  /** The desired revision that this list is for. A driver never replaces a list by one of a lower revision. */
  readonly revision: bigint;
  /**
   * Those of them that were refused before, the longest waiting first: where a backend cannot hold the whole list, those that
   * are let in now stay, then come these, then the others. Absent: none.
   */
  readonly waiting?: readonly string[] | undefined;
}

/** What became of a list: an address that the backend cannot serve is refused alone, the others are let in. */
export interface AccessResult {
  /** Canonical address → why, in words for the filesystem's owner. */
  readonly refused: ReadonlyMap<string, string>;
}

/** What a driver cannot do or promise: said in docs/drivers.md, at start and in `readyz`, never faked. */
export interface Capabilities {
  readonly quota: boolean;
  readonly shrink: boolean;
  /** `live`: asked every minute. `walk`: counted one volume at a time, at most once an hour. `none`: it cannot tell. */
  readonly usage: 'live' | 'walk' | 'none';
  /** Whether each volume is a file system of its own, so that a forged file handle of one opens nothing of another. */
  readonly isolation: 'file-system' | 'none';
  /** `server`: the list is in force when `syncAccess` resolves. `file`: it is only written; something else loads it. */
  readonly enforces: 'server' | 'file';
  /** A list can be too long for it: what does not fit is refused, address by address, and the rest is let in. */
  readonly boundedLists: boolean;
  /** What clients mount with, for `fs_entry.protocol`. */
  readonly protocol: string;
  /**
   * It needs a number of its own for each volume (an `Export_Id`, a project quota's id), from 1 to this; null: none. The
   * database gives them out, above all that `numbers` tells.
   */
  readonly largestNumber: number | null;
}

/**
 * A storage backend.
 *
 * Every method states a goal and is called again until it succeeds: after a failure, a crash half-way, or with nothing
 * left to do. So each must be idempotent, and must not trust memory over the backend. Calls for one volume never overlap,
 * also across processes; calls for different volumes do.
 *
 * A method that fails throws `TerminalError` when only an operator or another request can help, and anything else
 * when trying again may: the reconciler backs off (docs/drivers.md). `signal` aborts at shutdown and after the
 * configured time; a call that was aborted may have done its work.
 *
 * `spec/drivers/contract.ts` tests all of this against every driver, yours too.
 */
export interface Driver {
  readonly capabilities: Capabilities;

  /** The filer's own addresses, canonical, as far as its settings tell them: no access list ever has them. */
  readonly ownAddresses: readonly string[];

  /** The settings that decide about its lists and exports, as text: its hash is part of the backend's fingerprint. */
  readonly settings: string;

  /**
   * Looks whether the backend can work at all: programs, permissions, mount options. Changes nothing.
   * @returns the identity in the marker at the root of the storage, null where there is none. It is compared before
   *   every run: storage that is not mounted, or is somebody else's, is never worked on
   * @throws TerminalError naming what is missing and how to get it
   */
  check(signal: AbortSignal): Promise<string | null>;

  /**
   * Writes the marker into storage that has none, for a backend that never had a marker; makes the root where there is none.
   * Never replaces another's marker.
   */
  mark(identity: string, signal: AbortSignal): Promise<void>;

  /**
   * Makes the volume exist with this quota. A new one is empty, and nobody can mount it.
   * @param mayCreate false once it was there: a volume that has gone is lost, and an empty one in its place would hide that
   * @returns the export location
   * @throws VolumeLost when it is not there and may not be created; TerminalError when it holds more than the new size: the
   *   old quota then stays
   */
  ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string>;

  /**
   * Makes exactly these addresses able to mount it, read and write: the whole list, not a change to it. Addresses that
   * stay are never cut off in between, since their instances have it mounted. When this resolves, an address that is gone
   * gets no answer any more: not merely no new mount.
   *
   * With `mayGrant` false it only takes away: what stands is cut down to those of these addresses that it has now. That
   * works without the storage itself, which may be unmounted or lost.
   * @throws NewerRevision when the backend holds the list of a higher revision; VolumeLost when it may grant and there is no volume
   */
  syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult>;

  /** What the backend itself lets in now, whatever anyone wrote there, single addresses (blocks taken apart), sorted as an access list is. No export: nobody. */
  readAccess(volume: Volume, signal: AbortSignal): Promise<readonly string[]>;

  /** @returns bytes allocated by volume id, of those asked for; one that this backend cannot tell is left out */
  usage(volumes: readonly Pick<Volume, 'id'>[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>>;

  /** Takes it out of service: export removed first, then the data set aside under another name. Already so: no error. */
  retire(volume: Volume, signal: AbortSignal): Promise<void>;

  /**
   * Puts what was retired back into service, as it was: nobody can mount it until `syncAccess`. In service already: no error.
   * @throws VolumeLost when it is neither
   */
  restore(volume: Volume, signal: AbortSignal): Promise<void>;

  /** Destroys what was retired, for good, in slices: `signal` may abort it at any time, the next call goes on. */
  purge(volume: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void>;

  /** All volumes that stand on the backend, in any order. What is no volume of ours is left out, and left alone. */
  volumes(signal: AbortSignal): Promise<readonly StoredVolume[]>;

  /** What stands beside a volume, in service or retired; null: there is none, or it cannot be read. */
  record(id: string, signal: AbortSignal): Promise<VolumeRecord | null>;

  /** Numbers that the backend knows, whoever's: none of them is given out. Empty where none are needed. */
  numbers(signal: AbortSignal): Promise<ReadonlySet<number>>;

  /** What there is of storage; null: it cannot be told. */
  room(signal: AbortSignal): Promise<Room | null>;
}

/** Trying again will not help. `message` is shown to the filesystem's owner as its fault; `cause` goes to the log only. */
export class TerminalError extends Error {
  override readonly name: string = 'TerminalError';
}

/** A volume that was there is not: its list may only shrink, and nothing is made in its place. */
export class VolumeLost extends TerminalError {
  override readonly name = 'VolumeLost';

  constructor(options?: ErrorOptions) {
    super('The volume of this filesystem is not on its backend any more: an operator has to look for it.', options);
  }
}

/** The database is behind the backend: restored from a backup, or this process has lost its lease without knowing. */
export class NewerRevision extends Error {
  override readonly name = 'NewerRevision';

  constructor(readonly revision: bigint) {
    super(`the backend holds the access list of revision ${revision}`);
  }
}
