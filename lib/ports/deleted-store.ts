import type { DeletedFilesystem } from '../domain/deleted-filesystem';
import type { Filesystem } from '../domain/filesystem';
import type { Cause } from './viewer';

/** A place in the list of what is deleted: by the time of retirement, then by id. */
export interface DeletedPosition {
  readonly retired: Date;
  readonly id: string;
}

export interface DeletedQuery {
  /** Whose; null: all tenants'. */
  readonly owner: string | null;
  /** The list begins behind it; the row may be gone. */
  readonly marker?: DeletedPosition | undefined;
  /** At most so many rows are returned. */
  readonly limit: number;
}

/** Filesystems between the two ends of their deletion. Every method throws `Unavailable` while Postgres is out of reach. */
export interface DeletedStore {
  /** The first retired first. */
  list(query: DeletedQuery): Promise<readonly DeletedFilesystem[]>;
  /** Null when there is none, or none any more. */
  find(id: string): Promise<DeletedFilesystem | null>;
  /** As `FilesystemStore.transaction`: with the advisory lock, since what is restored is entitled again. */
  transaction<Result>(cause: Cause, work: (tx: DeletedTransaction) => Promise<Result>): Promise<Result>;
}

export interface DeletedTransaction {
  /** Reads the row and holds it until the transaction ends: no run claims it in between. */
  lock(id: string): Promise<DeletedFilesystem | null>;
  /** Whether a filesystem in service has this name. */
  isTaken(name: string): Promise<boolean>;
  /** In service again under this name, without connections; the next run puts the volume back before it lets anybody in. */
  restore(id: string, name: string): Promise<Filesystem>;
  /** To be destroyed now, whatever its time was: there is no way back. What has failed for good is tried again. */
  purge(id: string): Promise<void>;
}
