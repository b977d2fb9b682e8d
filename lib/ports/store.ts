import type { AccessDifference, AccessEntry } from '../domain/access-difference';
import type { Explanation } from '../domain/explanation';
import type { Filesystem, Scope, Status } from '../domain/filesystem';
import type { Identity } from '../domain/identity';
import type { InstanceState, Observation } from '../domain/instance';
import type { Attributes } from '../domain/put-filesystem';
import type { Size } from '../domain/size';
import type { QuestionReason } from '../domain/trust';
import type { AccessList } from './driver';

export type { AccessEntry } from '../domain/access-difference';

/** For whom something is read: an administrator sees instances of all projects, others those of their own. */
export type Viewer = Pick<Identity, 'isAdmin' | 'projectId'>;

/** Who caused a change: a request id, an event's type. Ends up in the access log and in the lines of the run that follows. */
export type Cause = string;

// ---------------------------------------------------------------------------------------------------- the HTTP handlers

/** How far a backend is behind what should hold. */
export type AccessState = 'current' | 'updating' | 'error';

/** The `access` attribute (docs/api.md, "Every attribute"): counts of addresses of the instances that the viewer may see. */
export interface AccessSummary {
  /** Those in dispute included. */
  readonly entitled: number;
  readonly applied: number;
  /** The whole filesystem's. */
  readonly state: AccessState;
  /** Why it is not current, or that single addresses are refused or in dispute; null when all is well. */
  readonly message: string | null;
}

export interface FilesystemView {
  readonly filesystem: Filesystem;
  readonly access: AccessSummary;
}

/** A row of a list: every attribute, of `access` the state alone. */
export interface FilesystemRow {
  readonly filesystem: Filesystem;
  readonly accessState: AccessState;
}

export interface FilesystemQuery {
  /** Null: all tenants'. */
  readonly tenantId: string | null;
  readonly scope?: Scope | undefined;
  readonly status?: Status | undefined;
  readonly project?: string | undefined;
  readonly owner?: string | undefined;
  /** A name: the list begins behind it. */
  readonly marker?: string | undefined;
  /** At most so many rows are returned. */
  readonly limit: number;
}

export type InstanceEntryStatus = 'pending' | 'connected' | 'disconnecting' | 'error';

/** An instance that has, had or should have access to a filesystem (docs/api.md, "Instances"). */
export interface InstanceEntry {
  readonly id: string;
  /** Null: not known. */
  readonly project: string | null;
  readonly status: InstanceEntryStatus;
  /** Those that count now, canonical. */
  readonly addresses: readonly string[];
  /** True: by the scope. False: by an explicit connection. */
  readonly automatic: boolean;
  /** Why an address of it is kept out; null when none is. */
  readonly fault: { readonly message: string; readonly created: Date } | null;
}

/** An instance beside one filesystem, known or not. */
export interface ExplainedInstance {
  readonly filesystem: Filesystem;
  /** Whose instance it is; null: not known. */
  readonly project: string | null;
  /** As `findInstance`. */
  readonly entry: InstanceEntry | null;
  readonly explanation: Explanation;
}

/** Who would be let in and who no more, and whose instance each is; null: not known. */
export type ForetoldAccess = AccessDifference<AccessEntry & { readonly project: string | null }>;

export interface InstanceQuery {
  readonly status?: InstanceEntryStatus | undefined;
  /** An id: the list begins behind it. */
  readonly marker?: string | undefined;
  readonly limit: number;
}

/** What the HTTP handlers need of the store. Every method throws `Unavailable` while Postgres is out of reach. */
export interface FilesystemStore {
  /**
   * Runs `work` in one transaction that holds the schema's advisory lock, shared, from before its first read
   * (docs/architecture.md, rule 1); rolled back when `work` throws. `work` may run again after a serialization failure, a
   * deadlock, or when another transaction took the name first.
   */
  transaction<Result>(cause: Cause, work: (tx: FilesystemTransaction) => Promise<Result>): Promise<Result>;

  /** The filesystem of that name, not yet retired; null when there is none. Visibility is the caller's to check. */
  find(name: string, viewer: Viewer): Promise<FilesystemView | null>;

  /** Sorted by name in byte order. What a tenant sees: his own, those of scope `project` for him, the global ones. */
  list(query: FilesystemQuery): Promise<readonly FilesystemRow[]>;

  /** Ids of the instances of a filesystem that the viewer may see, sorted in byte order. */
  listInstances(filesystem: Filesystem, viewer: Viewer, query: InstanceQuery): Promise<readonly string[]>;

  /** One instance's entry, null when it has, had and should have no access, or the viewer may not see that it has. */
  findInstance(filesystem: Filesystem, instanceId: string, viewer: Viewer): Promise<InstanceEntry | null>;

  /**
   * Why an instance has access to the filesystem of that name or not, of one snapshot; null when there is no such filesystem.
   * Of an instance that is not known it says so. Whether the viewer may see either is the caller's to check, except for what
   * only operators read.
   */
  explain(name: string, instanceId: string, viewer: Viewer): Promise<ExplainedInstance | null>;

  /**
   * As `transaction`, rolled back: what would change of who is let in, compared with what the backend was last confirmed to
   * have, were it not.
   * @param work makes the change, and returns the id of the filesystem
   */
  foretell(cause: Cause, work: (tx: FilesystemTransaction) => Promise<string>): Promise<ForetoldAccess>;

  /** Asks the process that serves the backend to count what the volume holds. @returns when it was asked */
  requestUsage(filesystemId: string): Promise<Date>;

  /** When the volume's use was last counted; null: never. */
  usageTime(filesystemId: string): Promise<Date | null>;
}

/** A place in the access log, between two rows. */
export interface AccessLogPosition {
  readonly time: Date;
  readonly id: bigint;
}

/** One address of an instance was let in, or let in no more; the backend had confirmed it at that time. */
export interface AccessLogEntry extends AccessLogPosition {
  readonly instanceId: string;
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

export interface NewFilesystem {
  readonly name: string;
  readonly owner: string;
  readonly attributes: Attributes;
}

export interface FilesystemTransaction {
  /** Reads the row and holds it (`for no key update`) until the transaction ends. */
  lock(name: string): Promise<Filesystem | null>;
  create(filesystem: NewFilesystem): Promise<Filesystem>;
  /** Sets what a user sets, and bumps the desired revision. */
  change(
    id: string,
    change: { attributes: Attributes; endConnections: boolean; withdraws: boolean },
  ): Promise<Filesystem>;
  /** On status `error`: the next attempt is now, and no revision is bumped. */
  retry(id: string): Promise<void>;
  /** Bumps the desired revision, as every change of what should hold does, so that the reconciler sees it. */
  markDeleting(id: string): Promise<void>;
  /** What the directory knows of an instance; null: nothing. */
  instance(id: string): Promise<{ readonly project: string | null; readonly state: InstanceState | null } | null>;
  isConnected(id: string, instanceId: string): Promise<boolean>;
  connect(id: string, instanceId: string, by: { userId: string | null; projectId: string }): Promise<void>;
  disconnect(id: string, instanceId: string): Promise<void>;
}

/** Wakes who waits for a filesystem: the reconciler of any process has settled something, or a request has changed it. */
export interface Changes {
  /** Resolves at the next change of that filesystem, after `milliseconds`, or when the signal aborts. Holds no connection. */
  next(filesystemId: string, milliseconds: number, signal: AbortSignal): Promise<void>;
}

// ------------------------------------------------------------------------------------------------ the instance directory

export interface InstanceStore {
  /**
   * Stores observations in one transaction, with the bumps that follow from them (docs/architecture.md, rules 1 and 2).
   * Atomic: all or none.
   * @returns the ids of filesystems that were bumped
   */
  apply(observations: readonly Observation[]): Promise<readonly string[]>;

  /** Whether every backend has what these filesystems' revisions of now ask for: those that have not. */
  unsettled(filesystemIds: readonly string[]): Promise<readonly { id: string; name: string; backend: string }[]>;

  /** Whether something was ever told of the state of an instance: one of `_events` alone is not known. */
  isKnown(instanceId: string): Promise<boolean>;

  /** Removes tombstones, and ports that no instance has, older than this, some thousand at a time. @returns how many */
  prune(before: Date): Promise<number>;
}

/** What Compute is to be asked about one instance, taken by this process alone for a while. */
export interface Question {
  readonly instanceId: string;
  readonly reason: QuestionReason;
  /** Attempts in a row that brought no answer, or none that settled it. */
  readonly failures: number;
  /** When another process may take it. */
  readonly until: Date;
}

/** What Compute is to be asked (docs/architecture.md, "The instance directory"). Each question is asked once in 10 s at most. */
export interface QuestionStore {
  take(limit: number): Promise<readonly Question[]>;
  /**
   * Stores what Compute has answered, in one transaction with the bumps that follow. A dispute that it does not settle is
   * asked about again, later and later.
   * @returns the ids of filesystems that were bumped
   */
  answer(question: Question, observation: Observation): Promise<readonly string[]>;
  /** There was no answer. */
  postpone(question: Question, delayMilliseconds: number): Promise<void>;
  /** When the next one is due; null: nothing is open. */
  nextDue(): Promise<Date | null>;
}

/** How a resync ended. `incomplete`: Compute did not list everything. `braked`: suspiciously much is missing. */
export type ResyncOutcome = 'complete' | 'incomplete' | 'braked' | 'failed';

/** The last resync of the deployment, whoever ran it. */
export interface ResyncRecord {
  readonly begun: Date;
  readonly ended: Date;
  readonly outcome: ResyncOutcome;
  /** Why it is not `complete`; null when it is. */
  readonly message: string | null;
  /** Instances that Compute listed. */
  readonly instances: number;
  /** Live instances of the directory that it did not, about each of which it was asked then. */
  readonly missing: number;
}

/** A resync under way, which no other process has beside it. */
export interface Listing {
  /** These were on Compute's list. */
  add(instanceIds: readonly string[]): Promise<void>;
  /** Live instances that were not, and of which nothing was heard since the listing began; and all live ones. */
  missing(begun: Date): Promise<{ readonly missing: number; readonly live: number }>;
  /** Has Compute asked about each of those. */
  askAboutMissing(begun: Date): Promise<void>;
  /** Writes down how it went. */
  record(record: ResyncRecord): Promise<void>;
}

export interface ResyncStore {
  /** Runs `work` while no other process resyncs. @returns null when another one does */
  alone<Result>(work: (listing: Listing) => Promise<Result>): Promise<Result | null>;
  /** Null: there was none. */
  last(): Promise<ResyncRecord | null>;
}

// -------------------------------------------------------------------------------------------------------- the reconciler

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

/**
 * What the reconciler needs of the store. A method that takes a claim returns false when the lease is lost, and has then
 * changed nothing.
 */
export interface WorkStore {
  /** Due filesystems of a backend, so many of each kind, the longest waiting first; none when the stored fingerprint is another. */
  claim(backend: ServedBackend, limits: Readonly<Record<ClaimKind, number>>): Promise<readonly Claim[]>;
  /** Renews the leases, in one statement. @returns the ids of those that are still held */
  renew(claims: readonly Claim[]): Promise<ReadonlySet<string>>;
  /** When the next filesystem of this backend is due; null: none is. */
  nextDue(backend: string, kinds: readonly ClaimKind[]): Promise<Date | null>;
  /** How many wait now, and since when. */
  lag(backend: string): Promise<{ readonly due: number; readonly oldest: Date | null }>;
  /** What should hold now; null when the lease is lost. */
  wanted(claim: Claim): Promise<Wanted | null>;
  /** There is a volume, of this size. */
  settleVolume(claim: Claim, volume: { readonly exportLocation: string; readonly size: Size }): Promise<boolean>;
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
  /** Destroyed: the row goes. */
  settlePurged(claim: Claim): Promise<boolean>;
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
  /** Gives claims back at once, as at shutdown. */
  giveBack(claims: readonly Claim[]): Promise<void>;
  /** A backend is back: what was parked is due now, with `all` what backs off too. */
  wake(backend: string, which: 'parked' | 'all'): Promise<void>;
  /** Gives back the leases of processes that are known to be dead. @returns how many */
  releaseDead(backends: readonly string[]): Promise<number>;
}

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

/** Who wants to know. */
export interface Listener {
  /** Some filesystem may have become due. */
  due(): void;
  /** A count of used space was asked for. */
  usageWanted(): void;
  /** Compute is to be asked about some instance. */
  questionRaised(): void;
  /** A filesystem was settled. */
  changed(filesystemId: string): void;
}

/** What Postgres tells by itself. */
export interface Signals {
  /** Tells until the signal aborts. Reconnects by itself; what was missed meanwhile the poll finds. */
  listen(on: Listener, signal: AbortSignal): Promise<void>;
}
