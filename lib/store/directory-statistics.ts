import type { Database } from './database';

/** A table of fewer rows is small, whatever Postgres takes it for. */
const FEWEST = 500;

/**
 * What Postgres knows of the directory's tables. By itself it looks at them once a minute at most, and until then takes those
 * that were empty for small: a list of 2,000 addresses takes it 200 ms then, and 10 ms when it knows.
 */
export class DirectoryStatistics {
  #stored = 0;
  #enough = FEWEST;

  constructor(private readonly database: Database) {}

  /** So many observations were stored and committed: Postgres looks anew when the tables may have doubled. Never throws. */
  async stored(observations: number): Promise<void> {
    this.#stored += observations;
    if (this.#stored < this.#enough) return;
    this.#stored = 0;
    try {
      // skip_locked: somebody else is at it
      await this.database.query('analyze (skip_locked) instances, instance_addresses', []);
      const [row] = await this.database.query<{ rows: number }>(
        `select reltuples as rows from pg_class where oid = 'instances'::regclass`,
        [],
      );
      this.#enough = Math.max(FEWEST, row?.rows ?? 0);
    } catch {
      // what was to be stored is: Postgres looks by itself later
    }
  }
}
