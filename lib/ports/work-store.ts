import type { AccessEntry } from '../domain/access-difference';
import type { Filesystem } from '../domain/filesystem';
import type { Size } from '../domain/size';
import type { AccessList } from './driver';
import type { Cause } from './viewer';

/** A backend as a process of ours serves it. */
export interface ServedBackend {
  readonly name: string;
  /** Hash of the settings that decide about lists and exports (docs/architecture.md, rule 14). */
  readonly fingerprint: string;
}

/** A claimed row is left alone for so long; its holder renews the lease well before (docs/architecture.md, rule 5). */
export const LEASE_MILLISECONDS = 10_000;

/**
 * `short` and `long`: its volume and list, by the number of addresses that the list has. `purge`: it is out of service, and
 * its data is to be destroyed: may take long, and can wait.
 */
export type ClaimKind = 'short' | 'long' | 'purge';

/** A filesystem that this process alone works on, until the lease ends. */
export interface Claim {
  readonly filesystemId: string;
  readonly backend: string;
  readonly kind: ClaimKind;
  /** Given out once: a write with a token that is not the row's any more changes nothing. */
  readonly leaseToken: bigint;
  /** Failed runs in a row before this one. */
  readonly failures: number;
}

/** What should hold, and what the backend was last confirmed to have, all of one snapshot. */
export interface Wanted {
  readonly filesystem: Filesystem;
  /** Out of service already: the data waits to be purged. */
  readonly retired: boolean;
  /** It was retired, and is wanted again: its volume is still set aside. */
  readonly restoring: boolean;
  /** Whether the volume was confirmed under the present settings: its export location may be another now. */
  readonly volumeConfirmed: boolean;
  readonly access: AccessList;
  /** Which entitled instances have the list's addresses. */
  readonly claims: readonly AccessEntry[];
  /** Addresses of entitled instances that another claims too: kept out of the list. */
  readonly disputed: readonly string[];
  /** Addresses of entitled instances that have more than count: kept out of the list. */
  readonly surplus: readonly string[];
  readonly entries: readonly AccessEntry[];
  /** Who caused the latest change. */
  readonly cause: Cause | null;
  /** When the oldest change came that the backend does not have yet; null: it has all. */
  readonly behindSince: Date | null;
  /** When it was read: what changed later is not in it. */
  readonly readAt: Date;
}

/** What a backend has after a call of its driver. */
export interface AccessSettlement {
  /** Of the wanted list, the addresses that are let in. */
  readonly applied: ReadonlySet<string>;
  /** Canonical address → why. */
  readonly refused: ReadonlyMap<string, string>;
  /** Addresses that were confirmed before, and of which the backend tells nothing now: they stay confirmed. Absent: none. */
  readonly kept?: ReadonlySet<string> | undefined;
  /** Whether the wanted list is in force but for what was refused; false: only what had to go is gone. */
  readonly complete: boolean;
}

/** How a row leaves a run that did all (docs/architecture.md, rules 4 and 15). Milliseconds from now. */
export interface Release {
  /** No run before that. */
  readonly pause: number;
  /** No run that only grants before that. */
  readonly grantPause: number;
  /** When to try refused addresses again; null: there are none. */
  readonly retryAfter: number | null;
}

/** The filesystems that have something to do: which of them a process works on. */
export interface WorkQueue {
  /** Due filesystems of a backend, so many of each kind, the longest waiting first; none when the stored fingerprint is another. */
  claim(backend: ServedBackend, limits: Readonly<Record<ClaimKind, number>>): Promise<readonly Claim[]>;
  /** Renews the leases, in one statement. @returns the ids of those that are still held */
  renew(claims: readonly Claim[]): Promise<ReadonlySet<string>>;
  /** When the next filesystem of this backend is due; null: none is within a minute. */
  nextDue(backend: string, kinds: readonly ClaimKind[]): Promise<Date | null>;
  /** How many wait now, and since when. */
  lag(backend: string): Promise<{ readonly due: number; readonly oldest: Date | null }>;
  /** Gives claims back at once, as at shutdown. */
  giveBack(claims: readonly Claim[]): Promise<void>;
  /** A backend is back: what was parked is due now, with `all` what backs off too. */
  wake(backend: string, which: 'parked' | 'all'): Promise<void>;
  /** Gives back the leases of processes that are known to be dead. @returns how many */
  releaseDead(backends: readonly string[]): Promise<number>;
}

/**
 * What one run reads, and how it is written down what became of it. A method that takes a claim returns false when the lease
 * is lost, and has then changed nothing.
 */
export interface Settlements {
  /** What should hold now; null when the lease is lost. */
  wanted(claim: Claim): Promise<Wanted | null>;
  /**
   * Gives the filesystem a number of its backend, from 1 to `largest`: above all that rows and backend have, or where there is
   * none left above, the lowest that nobody has.
   * @param taken what the backend knows
   * @returns null when the lease is lost
   * @throws TerminalError when there is none left
   */
  assignNumber(claim: Claim, taken: ReadonlySet<number>, largest: number): Promise<number | null>;
  /** There is a volume, of this size; one that is not wanted any more is not noted, and the volume is confirmed by the next run. */
  settleVolume(
    claim: Claim,
    volume: { readonly exportLocation: string; readonly protocol: string; readonly size: Size },
  ): Promise<boolean>;
  /**
   * The backend lets in these addresses, and refuses those; the difference goes into the access log. With `release` the
   * run ends with it (`release` below), in one transaction.
   */
  settleAccess(claim: Claim, wanted: Wanted, result: AccessSettlement, release: Release | null): Promise<boolean>;
  /** A resize was refused: back to the applied size, and the fault says why. */
  refuseResize(claim: Claim, message: string): Promise<boolean>;
  /** Ends a run that did all: nothing is due, or now when the desired revision grew meanwhile. */
  release(claim: Claim, wanted: Wanted, release: Release): Promise<boolean>;
  /** Out of service: the name is free, the data is to be purged after this delay. */
  settleRetired(claim: Claim, purgeAfterMilliseconds: number): Promise<boolean>;
  /** What is retired is about to be destroyed: from then on it cannot be restored. Before the driver is called. */
  beginPurge(claim: Claim): Promise<boolean>;
  /** Destroyed: the row goes. */
  settlePurged(claim: Claim): Promise<boolean>;
  /** The volume of a restored filesystem is in service again. */
  settleRestored(claim: Claim): Promise<boolean>;
  /** Due again after this delay. */
  postpone(claim: Claim, delayMilliseconds: number, reason: string): Promise<boolean>;
  /**
   * Waits without an attempt until the backend is back (`wake`), or something changes; due at once when the desired revision
   * is past `revision`, the one that was worked on.
   */
  park(claim: Claim, revision: bigint, reason: string): Promise<boolean>;
  /** Sets the desired revision above the backend's, so that the next run is allowed to write. */
  overtake(claim: Claim, revision: bigint): Promise<boolean>;
  /** Gives up until somebody changes what is wanted: status `error`. */
  fail(claim: Claim, message: string): Promise<boolean>;
  /** The lease was lost after the driver was called: bumps, so that a late write never stays (rule 5). */
  distrust(claim: Claim): Promise<void>;
}

/** What the reconciler needs of the store. */
export type WorkStore = WorkQueue & Settlements;
