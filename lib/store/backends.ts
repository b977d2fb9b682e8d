import { randomUUID } from 'node:crypto';
import { errorCode } from '../error-code';
import type { BackendRecord, BackendStore, Echo, Heartbeat } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { Capabilities, Room } from '../ports/driver';
import type { ProcessIdentity } from '../ports/process';
import type { ServedBackend } from '../ports/work-store';
import { bump } from './bump';
import { type Database, lockShared } from './database';
import { AHEAD_MILLISECONDS, isRecentSql, servedSince } from './servings';

/** Filesystems bumped at once when settings have changed: a transaction that holds no lock for long. */
const SLICE = 1_000;

/** SQLSTATE: insufficient privilege. */
const DENIED = '42501';

/** Of a process that has ended without a word what it told is forgotten after so long. */
const FORGOTTEN_MILLISECONDS = 600_000;

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** What the database holds of backends, in Postgres. */
export class PostgresBackends implements BackendStore {
  /** @param version this program's */
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly self: ProcessIdentity,
    private readonly version: string,
  ) {}

  async find(name: string): Promise<BackendRecord | null> {
    const [row] = await this.database.query<{ identity: string; marked: boolean; fingerprint: string }>(
      'select identity, marked, fingerprint from backends where name = $1',
      [name],
    );
    return row ? { name, ...row } : null;
  }

  async register(
    { name, fingerprint }: ServedBackend,
    driver: string,
    lacks: readonly string[],
    isolation: Capabilities['isolation'],
  ): Promise<BackendRecord> {
    const now = this.clock.now();
    await this.#insist(name, [name, randomUUID(), driver, fingerprint, lacks, isolation, now]);
    const [row] = await this.database.query<{ identity: string; marked: boolean }>(
      `update backends set
         rebumped_to = case when fingerprint = $3 then rebumped_to else $6::uuid end,
         driver = $2, fingerprint = $3, lacks = $4, heartbeat = $5, isolation = $7
       where name = $1 returning identity, marked`,
      [name, driver, fingerprint, lacks, now, BEFORE_ALL, isolation],
    );
    if (!row) throw new Error(`the row of backend ${name} went`);
    return { name, fingerprint, ...row };
  }

  /** @throws Error saying how a role gets the right to it */
  async #insist(name: string, values: readonly unknown[]): Promise<void> {
    try {
      await this.database.query(
        `insert into backends (name, identity, driver, fingerprint, lacks, isolation, heartbeat)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do nothing`,
        values,
      );
    } catch (cause) {
      if (errorCode(cause) !== DENIED) throw cause;
      throw new Error(
        `This role of the database may not work on backend "${name}": give it the right by migrate --grant-reconciler ROLE, with --backend for each of its backends.`,
        { cause },
      );
    }
  }

  async rebump(backend: string): Promise<boolean> {
    const { database, clock } = this;
    return database.transaction(async (trx) => {
      await lockShared(trx, database.schema);
      const row = await trx('backends')
        .select<{ rebumped_to: string | null } | undefined>('rebumped_to')
        .where({ name: backend })
        .forUpdate()
        .first();
      if (!row || row.rebumped_to === null) return false;
      const slice: { id: string }[] = await trx('filesystems')
        .select('id')
        .where({ backend })
        .andWhere('id', '>', row.rebumped_to)
        .whereNull('retired')
        .orderBy('id')
        .limit(SLICE);
      await trx('backends')
        .where({ name: backend })
        .update({ rebumped_to: slice.at(-1)?.id ?? null });
      await bump(
        trx,
        database.schema,
        slice.map(({ id }) => ({ id, withdraws: true, cause: 'settings' })),
        clock.now(),
      );
      return slice.length > 0;
    });
  }

  async enroll(backend: string, mark: () => Promise<boolean>): Promise<void> {
    const failures: Error[] = [];
    await this.database.transaction(async (trx) => {
      const row = await trx('backends')
        .select<{ marked: boolean } | undefined>('marked')
        .where({ name: backend })
        .forUpdate()
        .first();
      if (!row || row.marked) return;
      const isMarked = await mark().catch((error: unknown) => {
        // the storage's failure, not the database's
        failures.push(error instanceof Error ? error : new Error(String(error)));
        return false;
      });
      if (isMarked) await trx('backends').where({ name: backend }).update({ marked: true });
    });
    const [failure] = failures;
    if (failure) throw failure;
  }

  async heartbeat({ name, fingerprint }: ServedBackend, { state, message }: Heartbeat): Promise<Echo> {
    const now = this.clock.now();
    const [row] = await this.database.query<{ fingerprint: string; is_up_elsewhere: boolean }>(
      `with told as (
         insert into backend_reconcilers (backend, process, version, fingerprint, state, message, heartbeat)
         select name, $3, $4, $5, $6, $7, $2 from backends where name = $1
         on conflict (backend, process) do update set
           version = excluded.version, fingerprint = excluded.fingerprint, state = excluded.state,
           message = excluded.message, heartbeat = excluded.heartbeat
       ),
       forgotten as (delete from backend_reconcilers where backend = $1 and process <> $3 and heartbeat not between $8 and $10)
       update backends set heartbeat = $2 where name = $1 returning fingerprint, exists (
         select from backend_reconcilers r
         where r.backend = $1 and r.process <> $3 and r.state = 'up' and ${isRecentSql('$9')}
       ) as is_up_elsewhere`,
      [
        name,
        now,
        this.self.text,
        this.version,
        fingerprint,
        state,
        message,
        new Date(now.getTime() - FORGOTTEN_MILLISECONDS),
        servedSince(now),
        new Date(now.getTime() + AHEAD_MILLISECONDS),
      ],
    );
    if (!row) throw new Error(`the row of backend ${name} went`);
    return { fingerprint: row.fingerprint, isUpElsewhere: row.is_up_elsewhere };
  }

  async leave(backend: string): Promise<void> {
    await this.database.query('delete from backend_reconcilers where backend = $1 and process = $2', [
      backend,
      this.self.text,
    ]);
  }

  async tellRoom(backend: string, room: Room | null): Promise<void> {
    await this.database.query(
      `update backends set room_total_bytes = $2, room_free_bytes = $3,
         room_promised_bytes = (
           select least(sum(greatest(0, greatest(f.size_bytes, f.applied_size_bytes) - coalesce(f.used_bytes, 0))), 9e18)
           from filesystems f where f.backend = $1
         ),
         room_told = case when $3::bigint is not null then $4::timestamptz end
       where name = $1`,
      [backend, room?.totalBytes ?? null, room?.freeBytes ?? null, this.clock.now()],
    );
  }
}

/** Those of these names that no process has ever registered, in their order. */
export async function neverServed(database: Database, names: readonly string[]): Promise<readonly string[]> {
  const rows = await database.query<{ name: string }>('select name from backends where name = any($1::text[])', [
    names,
  ]);
  const known = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !known.has(name));
}
