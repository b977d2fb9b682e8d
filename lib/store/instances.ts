import type { Knex } from 'knex';
import type { Observation } from '../domain/instance';
import type { Clock } from '../ports/clock';
import type { InstanceStore, Target } from '../ports/directory-store';
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
    return observations.length === 0 ? [] : this.#inTransaction(observations, async (_trx, store) => store());
  }

  async applyAndTarget(observations: readonly Observation[]): Promise<readonly Target[]> {
    const ids = [...new Set(observations.map(({ instanceId }) => instanceId))];
    return this.#inTransaction(observations, async (trx, store) => {
      // before: connections end with their instance
      const before = await concerning(trx, ids);
      const bumped = await store();
      const rows: { id: string; desired_revision: string }[] = await trx('filesystems')
        .select('id', 'desired_revision')
        .whereIn('id', [...new Set([...before, ...bumped, ...(await concerning(trx, ids))])])
        .whereNull('retired');
      return rows.map(({ id, desired_revision: revision }) => ({ filesystemId: id, revision: BigInt(revision) }));
    });
  }

  async #inTransaction<Result>(
    observations: readonly Observation[],
    work: (trx: Knex.Transaction, store: () => Promise<readonly string[]>) => Promise<Result>,
  ): Promise<Result> {
    const { database, clock, options } = this;
    const result = await database.transaction(async (trx) => {
      await lockExclusively(trx, database.schema);
      return work(trx, () => applyObservations(trx, database.schema, options, observations, clock.now()));
    });
    await this.#statistics.stored(observations.length);
    return result;
  }

  async unconfirmed(
    targets: readonly Target[],
    endedInstanceIds: readonly string[],
  ): Promise<readonly { readonly id: string; readonly name: string; readonly backend: string }[]> {
    return this.database.query<{ id: string; name: string; backend: string }>(
      `select f.id, f.name, f.backend from filesystems f join unnest($1::uuid[], $2::bigint[]) as t(id, revision) using (id)
       where f.applied_revision < t.revision and f.retired is null
       union
       select f.id, f.name, f.backend from filesystems f
       where exists (
         select from access_entries e where e.filesystem_id = f.id and e.instance_id = any($3::text[])
       )`,
      [
        targets.map(({ filesystemId }) => filesystemId),
        targets.map(({ revision }) => String(revision)),
        endedInstanceIds,
      ],
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
           where i.state = 'gone' and i.heard < :before and i.ask_next is null
             -- what a backend may still let in is not forgotten
             and not exists (select from access_entries e where e.instance_id = i.id)
           order by i.heard limit ${AT_ONCE}
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

/**
 * The filesystems that these instances may have to do with: by scope, by a connection now, or because they are let in; of scope
 * `instance` also those of their projects that are behind, from which a connection may have been taken a moment ago.
 */
async function concerning(trx: Knex.Transaction, instanceIds: readonly string[]): Promise<readonly string[]> {
  const { rows } = await trx.raw<{ rows: { id: string }[] }>(
    `select id from filesystems where retired is null and scope = 'global'
     union
     select f.id from filesystems f join instances i on i.id = any(:ids::text[])
       and (f.project = i.project or f.owner = i.project and f.scope = 'instance' and f.applied_revision < f.desired_revision)
     where f.retired is null
     union
     select filesystem_id from connections where instance_id = any(:ids::text[])
     union
     select filesystem_id from access_entries where instance_id = any(:ids::text[])`,
    { ids: [...instanceIds] },
  );
  return rows.map(({ id }) => id);
}
