import type { Scope } from '../domain/filesystem';
import type { Size } from '../domain/size';

/** What a row is made of for a volume that has none. */
export interface Adoption {
  readonly id: string;
  readonly backend: string;
  readonly name: string;
  readonly owner: string;
  readonly scope: Scope;
  /** Of scope `project`, else null. */
  readonly project: string | null;
  readonly size: Size;
  /** Null: its driver needs none, or it is given one anew. */
  readonly number: number | null;
  /** The highest that the backend is known to have of it. */
  readonly revision: bigint;
  /** Out of service: it stays so until somebody restores or purges it. */
  readonly retired: boolean;
}

/** What the database has of a volume's id. */
export interface KnownRow {
  readonly id: string;
  readonly name: string;
  readonly backend: string;
  readonly retired: boolean;
  readonly deletionWanted: boolean;
  /** A run has found its volume lost, and nothing has changed since. */
  readonly lost: boolean;
}

/** Whom the list of an orphan may keep, by its record. Its connections are lost with its row: an address alone proves nothing. */
export interface Keeper {
  /** `project`: instances of its project; `instance`: those of its owner; `global`: any. */
  readonly scope: Scope;
  readonly project: string | null;
  readonly owner: string;
}

/** What the search for volumes without a row, and those who put them right, need of the store. */
export interface OrphanStore {
  /** The identity of a backend; null: no gateway has ever served it. */
  identity(backend: string): Promise<string | null>;
  /** Of these ids, those that no row of the backend has. */
  withoutRow(backend: string, ids: readonly string[]): Promise<readonly string[]>;
  /**
   * Filesystems at rest whose volumes should be in service, and are not among these. All that are, of one snapshot.
   */
  absent(backend: string, inService: readonly string[]): Promise<readonly string[]>;
  /** Has the ordinary run look at these again, those at rest. @returns how many */
  lookAgain(ids: readonly string[]): Promise<number>;
  /** Of these addresses, those that live instances have on networks that count, whom the keeper lets in, and nobody else has. */
  heldByLive(addresses: readonly string[], keeper: Keeper): Promise<readonly string[]>;
  row(id: string): Promise<KnownRow | null>;
  /** @throws Conflict when the name, the id or the number is another's */
  adopt(adoption: Adoption): Promise<void>;
  /** Allows one new creation of a lost volume. @returns false: no run has found it lost, or not any more */
  recreate(id: string): Promise<boolean>;
  /** Has the next run look at once for a volume that was lost. @returns false: as `recreate` */
  retry(id: string): Promise<boolean>;
}
