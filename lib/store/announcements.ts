import type { Database } from './database';

/**
 * Tells whoever waits, in any process, that filesystems were settled. Apart from the settling itself: the commit of a
 * transaction that notifies holds a lock of the whole server until the disk has it, so that settlings would go one by one.
 * What comes while something is told is told together with the next. One that gets lost is found by who waits (`waitUntil`).
 */
export class Announcements {
  readonly #ids = new Set<string>();
  #isTelling = false;

  constructor(private readonly database: Database) {}

  /** After the commit. */
  settled(filesystemId: string): void {
    this.#ids.add(filesystemId);
    if (!this.#isTelling) void this.#tell();
  }

  async #tell(): Promise<void> {
    this.#isTelling = true;
    while (this.#ids.size > 0) {
      const ids = [...this.#ids];
      this.#ids.clear();
      await this.database
        .query('select pg_notify($1, id) from unnest($2::text[]) as id', [this.database.schema, ids], 'announce')
        .catch(() => undefined);
    }
    this.#isTelling = false;
  }
}
