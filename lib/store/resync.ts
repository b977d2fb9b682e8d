import type { ClientBase } from 'pg';
import { question } from '../domain/trust';
import type { Clock } from '../ports/clock';
import type { Listing, ResyncOutcome, ResyncRecord, ResyncStore } from '../ports/directory-store';
import { type Database, lockExclusively } from './database';
import { askAbout } from './raised-questions';

/** Instances asked about in one transaction. */
const SLICE = 500;

interface RecordRow {
  readonly resync_begun: Date;
  readonly resync_ended: Date;
  readonly resync_outcome: ResyncOutcome;
  readonly resync_message: string | null;
  readonly resync_instances: number;
  readonly resync_missing: number;
}

/** Comparing the directory with Compute's list, in Postgres: a million ids do not fit through here. */
export class PostgresResync implements ResyncStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async alone<Result>(work: (listing: Listing) => Promise<Result>): Promise<Result | null> {
    const key = `${this.database.schema} resync`;
    return this.database.connection(async (connection) => {
      const { rows } = await connection.query<{ locked: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as locked',
        [key],
      );
      if (!rows[0]?.locked) return null;
      try {
        // of this session alone, and gone with it
        await connection.query('create temporary table if not exists listed (id text collate "C" primary key)');
        await connection.query('truncate listed');
        return await work(new PostgresListing(connection, this.database, this.clock));
      } finally {
        await connection.query('drop table if exists listed').catch(() => undefined);
        await connection.query('select pg_advisory_unlock(hashtextextended($1, 0))', [key]).catch(() => undefined);
      }
    });
  }

  async last(): Promise<ResyncRecord | null> {
    const [row] = await this.database.query<RecordRow & Record<string, unknown>>(
      `select resync_begun, resync_ended, resync_outcome, resync_message, resync_instances, resync_missing
       from deployment where resync_begun is not null`,
      [],
    );
    return row
      ? {
          begun: row.resync_begun,
          ended: row.resync_ended,
          outcome: row.resync_outcome,
          message: row.resync_message,
          instances: row.resync_instances,
          missing: row.resync_missing,
        }
      : null;
  }
}

const UNLISTED = 'i.heard < $1 and not exists (select from listed l where l.id = i.id)';

/** What the listing did not have, though it was there before and nothing was heard of it since. `$1` is when it began. */
const MISSING = `i.state = 'live' and ${UNLISTED}`;

/**
 * What has no access, and of which nothing was heard for long: its end may have been lost. Compute lists none that is
 * soft-deleted. Once a day.
 */
const FORGOTTEN = `(i.state = 'suspended' or i.state is null) and i.heard < $1::timestamptz - interval '1 hour'
  and (i.asked is null or i.asked < $1::timestamptz - interval '1 day') and ${UNLISTED}`;

class PostgresListing implements Listing {
  constructor(
    private readonly connection: ClientBase,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async add(instanceIds: readonly string[]): Promise<void> {
    await this.connection.query('insert into listed select unnest($1::text[]) on conflict do nothing', [instanceIds]);
  }

  async missing(begun: Date): Promise<{ readonly missing: number; readonly live: number }> {
    await this.connection.query('analyze listed');
    const { rows } = await this.connection.query<{ missing: string; live: string }>(
      `select (select count(*) from instances i where ${MISSING}) as missing,
              (select count(*) from instances where state = 'live') as live`,
      [begun],
    );
    return { missing: Number(rows[0]?.missing ?? 0), live: Number(rows[0]?.live ?? 0) };
  }

  async askAboutMissing(begun: Date): Promise<void> {
    for await (const ids of this.#slices(begun))
      await this.database.transaction(async (trx) => {
        await lockExclusively(trx, this.database.schema);
        const raised = new Map(ids.map((id) => [id, question('missing')]));
        await askAbout(trx, this.database.schema, raised, this.clock.now());
      });
  }

  async record({ begun, ended, outcome, message, instances, missing }: ResyncRecord): Promise<void> {
    await this.database.query(
      `update deployment set resync_begun = $1, resync_ended = $2, resync_outcome = $3, resync_message = $4,
         resync_instances = $5, resync_missing = $6`,
      [begun, ended, outcome, message, instances, missing],
    );
  }

  async *#slices(begun: Date): AsyncGenerator<readonly string[]> {
    for (let marker = ''; ; ) {
      const { rows } = await this.connection.query<{ id: string }>(
        `select i.id from instances i where ((${MISSING}) or (${FORGOTTEN})) and i.id > $2 order by i.id limit ${SLICE}`,
        [begun, marker],
      );
      const last = rows.at(-1);
      if (!last) return;
      yield rows.map(({ id }) => id);
      marker = last.id;
    }
  }
}
