import type { UsageStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { Database } from './database';

/** Volumes of one statement: a withdrawal does not wait long for them. */
const SLICE = 500;

/** Which volumes are to be counted, and what they hold, in Postgres. */
export class PostgresUsage implements UsageStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async usageDue(backend: string, countedBefore: Date, limit: number): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select id from (
         (select id, 0 as turn, usage_wanted as since from filesystems
          where backend = $1 and usage_wanted is not null and retired is null and applied_size_bytes is not null limit $3)
         union all
         (select id, 1, used_counted from filesystems
          where backend = $1 and retired is null and applied_size_bytes is not null and usage_wanted is null
            and (used_counted is null or used_counted < $2)
          order by used_counted nulls first limit $3)
       ) as due order by turn, since nulls first limit $3`,
      [backend, countedBefore, limit],
    );
    return rows.map(({ id }) => id);
  }

  async recordUsage(backend: string, usage: ReadonlyMap<string, bigint | null>): Promise<void> {
    const counts = [...usage];
    for (let from = 0; from < counts.length; from += SLICE)
      await this.#record(backend, counts.slice(from, from + SLICE));
  }

  /** Rows are locked in the order of their ids, as everywhere (rule 2). Whoever asked for a count is told. */
  async #record(backend: string, counts: readonly (readonly [string, bigint | null])[]): Promise<void> {
    await this.database.query(
      `with held as materialized (
         select f.id, f.usage_wanted, u.bytes from filesystems f
         join unnest($2::uuid[], $3::bigint[]) as u(id, bytes) on u.id = f.id
         where f.backend = $1 order by f.id for no key update of f
       ),
       counted as (
         update filesystems f set used_bytes = coalesce(held.bytes, f.used_bytes), used_counted = $4, usage_wanted = null
         from held where f.id = held.id returning f.id, held.usage_wanted
       )
       select pg_notify($5, id::text) from counted where usage_wanted is not null`,
      [backend, counts.map(([id]) => id), counts.map(([, bytes]) => bytes), this.clock.now(), this.database.schema],
    );
  }
}
