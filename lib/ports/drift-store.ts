import type { AccessDrift } from '../domain/drift';
import type { Volume } from './driver';

/** What a backend was last confirmed to have of a volume that nobody works on. */
export interface AtRest {
  readonly volume: Volume;
  /** Out of service: nobody may be let in. */
  readonly retired: boolean;
  /** Canonical addresses, each once. */
  readonly confirmed: readonly string[];
  /** Foreign addresses stand in the access log that nobody has seen gone. */
  readonly hasForeign: boolean;
  /** As the row's: it is another once somebody has worked on it. */
  readonly leaseToken: bigint;
}

/** What of a look was new, and is in the access log now. */
export interface Noted {
  readonly extra: readonly string[];
  readonly missing: readonly string[];
}

/** What the comparison of backends with the access entries needs of the store (docs/architecture.md, "Drift"). */
export interface DriftStore {
  /** How many volumes a backend should have, retired ones too. */
  count(backend: string): Promise<number>;
  /** The next so many behind this id, in the order of ids; null: from the first. */
  ids(backend: string, after: string | null, limit: number): Promise<readonly string[]>;
  /** Null: it is worked on, or has work waiting, or has gone. */
  atRest(id: string): Promise<AtRest | null>;
  /**
   * Writes down in what a backend differs, where nobody has worked on the volume since it was looked at: extra addresses stand
   * in the access log until they are gone; missing ones are let in no more, and their entries go. Nothing twice.
   * @param repair has the ordinary run put it right
   * @returns what was not known yet; null: somebody works on it
   */
  note(seen: AtRest, drift: AccessDrift, repair: boolean): Promise<Noted | null>;
  /**
   * The backend's record of it is of a later revision: the database is an old one. Raises the desired revision above it, and
   * has size and export location confirmed anew. @returns false: somebody works on it
   */
  catchUp(seen: AtRest, revision: bigint): Promise<boolean>;
}
