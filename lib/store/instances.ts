import type { Observation } from '../domain/instance';
import type { Clock } from '../ports/clock';
import type { InstanceStore } from '../ports/directory-store';
import { type Database, lockExclusively } from './database';
import { DirectoryStatistics } from './directory-statistics';
import { applyObservations, type DirectoryOptions } from './observations';

/** Observations in one transaction: the exclusive lock is held while they are written. */
const AT_ONCE = 1_000;

/** The instance directory in Postgres. */
export class PostgresInstances implements InstanceStore {
  readonly #statistics: DirectoryStatistics;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly options: DirectoryOptions,
  ) {
    this.#statistics = new DirectoryStatistics(database);
  }

  async apply(observations: readonly Observation[]): Promise<readonly string[]> {
    if (observations.length === 0) return [];
    const { database, clock, options } = this;
    const bumped = await database.transaction(async (trx) => {
      await lockExclusively(trx, database.schema);
      return applyObservations(trx, database.schema, options, observations, clock.now());
    });
    await this.#statistics.stored(observations.length);
    return bumped;
  }

  async unsettled(filesystemIds: readonly string[]): Promise<readonly { id: string; name: string; backend: string }[]> {
    return this.database.query<{ id: string; name: string; backend: string }>(
      `select id, name, backend from filesystems
       where id = any($1::uuid[]) and applied_revision < desired_revision and retired is null`,
      [filesystemIds],
    );
  }

  async isKnown(instanceId: string): Promise<boolean> {
    const rows = await this.database.query('select from instances where id = $1 and state is not null', [instanceId]);
    return rows.length > 0;
  }

  async prune(before: Date): Promise<number> {
    const { database } = this;
    return database.transaction(async (trx) => {
      await lockExclusively(trx, database.schema);
      const { rowCount } = await trx.raw(
        `delete from instances where id in (
           select i.id from instances i
           where i.state = 'gone' and i.state_time < :before and i.ask_next is null
             -- what a backend may still let in is not forgotten
             and not exists (select from access_entries e where e.instance_id = i.id)
           order by i.state_time limit ${AT_ONCE}
         )`,
        { before },
      );
      const { rowCount: portCount } = await trx.raw(
        `delete from ports where id in (
           select p.id from ports p
           where p.learnt < :before and not exists (select from instance_addresses a where a.port = p.id)
           limit ${AT_ONCE}
         )`,
        { before },
      );
      return (rowCount ?? 0) + (portCount ?? 0);
    });
  }
}
