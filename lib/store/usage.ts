import type { UsageStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { Database } from './database';

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
    await this.database.query(
      `with counted as (
         update filesystems f set used_bytes = coalesce(u.bytes, f.used_bytes), used_counted = $4, usage_wanted = null
         from unnest($2::uuid[], $3::bigint[]) as u(id, bytes)
         where f.id = u.id and f.backend = $1 returning f.id
       )
       select pg_notify($5, id::text) from counted`,
      [backend, [...usage.keys()], [...usage.values()], this.clock.now(), this.database.schema],
    );
  }
}
