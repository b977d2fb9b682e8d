import { randomUUID } from 'node:crypto';
import type { BackendRecord, BackendStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { ServedBackend } from '../ports/work-store';
import { bump } from './bump';
import { type Database, lockShared } from './database';

/** Filesystems bumped at once when settings have changed: a transaction that holds no lock for long. */
const SLICE = 1_000;

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** What the database holds of backends, in Postgres. */
export class PostgresBackends implements BackendStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async register(
    { name, fingerprint }: ServedBackend,
    driver: string,
    lacks: readonly string[],
  ): Promise<BackendRecord> {
    const now = this.clock.now();
    await this.database.query(
      `insert into backends (name, identity, driver, fingerprint, lacks, heartbeat)
       values ($1, $2, $3, $4, $5, $6) on conflict (name) do nothing`,
      [name, randomUUID(), driver, fingerprint, lacks, now],
    );
    const [row] = await this.database.query<{ identity: string; marked: boolean }>(
      `update backends set
         rebumped_to = case when fingerprint = $3 then rebumped_to else $6::uuid end,
         driver = $2, fingerprint = $3, lacks = $4, heartbeat = $5
       where name = $1 returning identity, marked`,
      [name, driver, fingerprint, lacks, now, BEFORE_ALL],
    );
    if (!row) throw new Error(`the row of backend ${name} went`);
    return { name, fingerprint, ...row };
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

  async marked(backend: string): Promise<void> {
    await this.database.query('update backends set marked = true where name = $1', [backend]);
  }

  async heartbeat(backend: string): Promise<string> {
    const [row] = await this.database.query<{ fingerprint: string }>(
      'update backends set heartbeat = $2 where name = $1 returning fingerprint',
      [backend, this.clock.now()],
    );
    if (!row) throw new Error(`the row of backend ${backend} went`);
    return row.fingerprint;
  }
}
