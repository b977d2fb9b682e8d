import { type BackendServing, type ServingStore, STALE_MILLISECONDS } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { BackendState } from '../ports/extension';
import type { Database } from './database';

interface ServingRow {
  readonly name: string;
  readonly driver: string | null;
  readonly lacks: readonly string[] | null;
  readonly is_used: boolean;
  readonly heartbeat: Date | null;
  readonly state: BackendState | null;
  readonly message: string | null;
  readonly version: string | null;
}

/** Whether a process serves the backend with this name in SQL; `since` is how it has told so at the earliest. */
export function isServedSql(backend: string, since: string): string {
  return `exists (select from backend_reconcilers r where r.backend = ${backend} and ${isRecentSql(since)})`;
}

/** Whether a heartbeat of the alias `r` counts: from `since` on, and none of the time to come but what clocks may differ. */
export function isRecentSql(since: string): string {
  return `r.heartbeat between ${since}::timestamptz and ${since}::timestamptz + interval '${STALE_MILLISECONDS + AHEAD_MILLISECONDS} milliseconds'`;
}

/** A heartbeat that is further ahead is none. */
export const AHEAD_MILLISECONDS = 60_000;

/** When a process must have told at the earliest that it serves a backend. */
export function servedSince(now: Date): Date {
  return new Date(now.getTime() - STALE_MILLISECONDS);
}

/** From name to name along the index: there are many filesystems, of few backends. */
const USED = `
  with recursive used (name) as (
    (select backend from filesystems order by backend limit 1)
    union all
    select (select f.backend from filesystems f where f.backend > used.name order by f.backend limit 1)
    from used where used.name is not null
  )
  select name from used where name is not null`;

/** Who serves which backend, in Postgres. */
export class PostgresServings implements ServingStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async servings(): Promise<readonly BackendServing[]> {
    const rows = await this.database.query<ServingRow & Record<string, unknown>>(
      `select name, b.driver, b.lacks, used.name is not null as is_used, b.heartbeat,
         best.state, best.message, best.version
       from backends b full join (${USED}) as used using (name)
       left join lateral (
         select r.state, r.message, r.version from backend_reconcilers r
         where r.backend = b.name and ${isRecentSql('$1')}
         order by array_position(array['up', 'withdraw-only', 'down', 'starting', 'outdated-settings'], r.state), r.heartbeat desc
         limit 1
       ) as best on true
       order by name`,
      [servedSince(this.clock.now())],
    );
    return rows.map(({ name, driver, lacks, is_used: isUsed, heartbeat, state, message, version }) => ({
      name,
      driver,
      lacks: lacks ?? [],
      isUsed,
      heartbeat,
      served: state && { state, message, version: version ?? '' },
    }));
  }
}
