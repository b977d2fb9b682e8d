import type { AccessDifference, AccessEntry } from '../domain/access-difference';
import type { Explanation } from '../domain/explanation';
import type { Filesystem, Scope, Status } from '../domain/filesystem';
import type { InstanceState } from '../domain/instance';
import type { Candidate } from '../domain/placement';
import type { Attributes } from '../domain/put-filesystem';
import type { Cause, Viewer } from './viewer';

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

export interface NewFilesystem {
  readonly name: string;
  readonly owner: string;
  readonly attributes: Attributes;
  /** The backend that it goes to; undefined: where all go that no rule places. */
  readonly backend?: string | undefined;
}

export interface FilesystemTransaction {
  /** Reads the row and holds it (`for no key update`) until the transaction ends. */
  lock(name: string): Promise<Filesystem | null>;
  create(filesystem: NewFilesystem): Promise<Filesystem>;
  /** What is known of backends with these names; of those that were never served nothing. */
  candidates(names: readonly string[]): Promise<readonly Candidate[]>;
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
