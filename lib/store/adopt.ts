import type { Knex } from 'knex';
import { Conflict } from '../domain/errors';
import { isCredibleRevision } from '../domain/revision';
import type { Adoption } from '../ports/orphan-store';
import { type Database, lockShared, within } from './database';

/**
 * Makes the row of a volume that has none. In service: access is computed anew by the run that follows, and its size and export
 * location are confirmed. Retired: it stays as it is, until somebody restores or purges it; it is never purged by itself.
 * @throws Conflict
 */
export async function adoptVolume(database: Database, now: Date, adoption: Adoption): Promise<void> {
  const { id, backend, name, owner, scope, project, size, number, revision, retired } = adoption;
  if (!isCredibleRevision(revision))
    throw new Conflict(
      `The storage holds revision ${revision} of ${id}, which it cannot have come to: write 0 into its record and its access list.`,
    );
  await database.transaction(async (trx) => {
    await lockShared(trx, database.schema);
    await refuseTaken(trx, adoption);
    await within(trx).query(
      `with adopted as (
         insert into filesystems (id, name, owner, scope, project, size_bytes, size_text, applied_size_bytes,
           applied_size_text, backend, number, desired_revision, applied_revision, withdraw_revision, cause,
           deletion_wanted, retired, next_attempt, behind_since, created, updated)
         values ($1, $2, $3, $4, $5, $6, $7, $6, $7, $8, $9, $10,
           case when $11 then $10::bigint else 0 end, $10, 'adopt',
           case when $11 then $12::timestamptz end, case when $11 then $12::timestamptz end,
           case when not $11 then $12::timestamptz end, case when not $11 then $12::timestamptz end, $12, $12)
         returning 1
       )
       select pg_notify($13, '') from adopted`,
      [
        id,
        name,
        owner,
        scope,
        project,
        size.bytes,
        size.text,
        backend,
        number,
        revision + 1n,
        retired,
        now,
        database.schema,
      ],
    );
  });
}

async function refuseTaken(trx: Knex.Transaction, { id, backend, name, number, retired }: Adoption): Promise<void> {
  const rows = await within(trx).query<{ id: string; name: string; backend: string; number: number | null }>(
    `select id, name, backend, number from filesystems
     where id = $1 or (not $3 and name = $2 and retired is null) or (backend = $4 and number = $5)`,
    [id, name, retired, backend, number],
  );
  for (const row of rows) {
    if (row.id === id)
      throw new Conflict(`${id} has a row already: filesystem "${row.name}" on backend "${row.backend}".`);
    if (row.backend === backend && row.number === number && number !== null)
      throw new Conflict(
        `Number ${number} of ${id} is that of filesystem "${row.name}" (${row.id}) too: purge one of them.`,
      );
    throw new Conflict(
      `The name "${name}" is taken by ${row.id}: give another one with --name, or delete that one first where it is the one that is lost.`,
    );
  }
}
