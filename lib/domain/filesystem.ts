import type { Size } from './size';

/*
 * Glossary. These words mean the same in the code, the database, the logs and docs/.
 *
 * filesystem       what a user creates: a named, sized directory tree on a storage backend
 * volume           a filesystem's storage on its backend
 * backend          a named place that holds volumes, served by one driver
 * scope            who may mount it: `global` every instance, `project` those of its project, `instance` those connected to it
 * instance         a virtual machine of the Compute API, known to us by id, project and addresses
 * connection       a user's explicit wish that an instance may mount a filesystem of scope `instance`
 * entitled         what scope and connections give: the addresses that should be able to mount it now
 * access list      the addresses that a backend lets in
 * access entries   the addresses that the backend was last confirmed to let in
 * access fault     an entitled address that is kept out: refused by the backend, or in dispute
 * revision         counts changes to what should hold; `desired` is bumped with every change, in its transaction,
 *                  `applied` follows when the backend has it; equal means up to date
 * reconcile        make the backend what the row and the instance directory say, whatever happened before
 * export location  what an instance passes to mount(8), `10.0.0.5:/volumes/6f1c…`
 * retired          out of service: nobody has access, the data is set aside, the name is free
 * purged           destroyed
 */

export const SCOPES = ['global', 'project', 'instance'] as const;
export type Scope = (typeof SCOPES)[number];

export const STATUSES = ['creating', 'available', 'resizing', 'deleting', 'error'] as const;
export type Status = (typeof STATUSES)[number];

/** Why something is not as it was asked for, in words for the filesystem's owner. */
export interface Fault {
  readonly message: string;
  readonly created: Date;
}

/** What a filesystem's owner reads while no process works on its backend. */
export const UNSERVED =
  'No process serves the storage backend now: what is wanted is kept, and is carried out when one does again.';

/** A filesystem as it is in the store. */
export interface Filesystem {
  /** UUID. Names may be used again after a deletion, ids never: backends are addressed by id. */
  readonly id: string;
  /** Unique in the deployment (domain/name.ts). */
  readonly name: string;
  /** The project that created it: it manages it, and its quota pays. Never changes. */
  readonly owner: string;
  readonly scope: Scope;
  /** The project whose instances get access; null unless the scope is `project`. */
  readonly project: string | null;
  /** As wanted. */
  readonly size: Size;
  /** As the backend has it; null until there is a volume. */
  readonly appliedSize: Size | null;
  /** Follows from the other facts: Postgres generates it, nobody writes it. */
  readonly status: Status;
  /** Its owner wants it gone. A deletion that has failed for good has status `error`, and this. */
  readonly deletionWanted: boolean;
  /** Counts changes of what a user sets: size, scope, project. The part of the ETag that `If-Match` compares. */
  readonly attributesRevision: bigint;
  readonly desiredRevision: bigint;
  /** At most `desiredRevision`. */
  readonly appliedRevision: bigint;
  /** Name of the backend that holds it. */
  readonly backend: string;
  /** Its own among the numbers of its backend, until it is purged; null: it has none yet, or its driver needs none. */
  readonly number: number | null;
  /** Null until the driver has made the export. */
  readonly exportLocation: string | null;
  /** What it is mounted with, `NFS`; null until there is an export location. */
  readonly protocol: string | null;
  /** Bytes allocated when the backend was last asked; null: not known. */
  readonly usedBytes: bigint | null;
  readonly fault: Fault | null;
  readonly created: Date;
  readonly updated: Date;
}
