import type { Knex } from 'knex';
import { type KnownInstance, type Observation, observe } from '../domain/instance';
import type { Clock } from '../ports/clock';
import type { InstanceStore } from '../ports/store';
import { bump } from './bump';
import { type Change, concernedFilesystems } from './concerned';
import { type Database, lockExclusively } from './database';
import { readInstances, writeInstances } from './instance-rows';

/** The instance directory in Postgres. */
export class PostgresInstances implements InstanceStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async apply(observations: readonly Observation[]): Promise<readonly string[]> {
    if (observations.length === 0) return [];
    const { database, clock } = this;
    return database.transaction(async (trx) => {
      await lockExclusively(trx, database.schema);
      const known = await readInstances(
        trx,
        observations.map(({ instanceId }) => instanceId),
      );
      const changes = observeAll(known, observations);
      if (changes.length === 0) return [];
      await writeInstances(trx, changes);
      const bumps = await concernedFilesystems(trx, changes);
      await endConnections(trx, changes);
      await bump(trx, database.schema, bumps, clock.now());
      return bumps.map(({ id }) => id);
    });
  }

  async unsettled(filesystemIds: readonly string[]): Promise<readonly { id: string; name: string; backend: string }[]> {
    return this.database.query<{ id: string; name: string; backend: string }>(
      `select id, name, backend from filesystems
       where id = any($1::uuid[]) and applied_revision < desired_revision and retired is null`,
      [filesystemIds],
    );
  }

  async prune(goneBefore: Date): Promise<number> {
    const { database } = this;
    return database.transaction(async (trx) => {
      await lockExclusively(trx, database.schema);
      const { rowCount } = await trx.raw(
        `delete from instances where id in (
           select i.id from instances i
           where i.state = 'gone' and i.state_time < :goneBefore
             -- what a backend may still let in is not forgotten
             and not exists (select from access_entries e where e.instance_id = i.id)
           order by i.state_time limit 1000
         )`,
        { goneBefore },
      );
      return rowCount ?? 0;
    });
  }
}

/** The instances that these observations change, as they were and as they are now. */
function observeAll(known: ReadonlyMap<string, KnownInstance>, observations: readonly Observation[]): Change[] {
  const changes = new Map<string, Change>();
  for (const observation of observations) {
    const id = observation.instanceId;
    const before = known.get(id) ?? null;
    const present = changes.get(id)?.after ?? before;
    const after = observe(present, observation);
    if (after !== present) changes.set(id, { before, after, cause: `${observation.cause} ${id}` });
  }
  return [...changes.values()];
}

/** A connection ends by itself when the instance is deleted; a soft-deleted one keeps its own (docs/api.md, "Instances"). */
async function endConnections(trx: Knex.Transaction, changes: readonly Change[]): Promise<void> {
  const gone = changes.filter(({ after }) => after.state?.value === 'gone').map(({ after }) => after.id);
  if (gone.length > 0) await trx('connections').whereIn('instance_id', gone).delete();
}
