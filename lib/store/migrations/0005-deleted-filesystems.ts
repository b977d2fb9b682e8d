import type { Knex } from 'knex';

/** The second end of a deletion: when retired data is destroyed, that this has begun, and the way back. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table filesystems
      add column purge_after timestamptz,
      -- from then on there is no way back
      add column purging timestamptz,
      -- in service again for its users, while its volume still waits to be put back
      add column restoring boolean not null default false;
    update filesystems set
      purge_after = coalesce(next_attempt, retired),
      -- what was begun before this column was there
      purging = case when leased_by is not null or failures > 0 then retired end
    where retired is not null;
    alter table filesystems
      add check (purging is null or retired is not null),
      add check (not restoring or retired is null),
      drop column status,
      add column status text not null generated always as (
        case
          when failed then 'error'
          when deletion_wanted is not null then 'deleting'
          when restoring or applied_size_bytes is null then 'creating'
          when applied_size_bytes <> size_bytes then 'resizing'
          else 'available'
        end
      ) stored;
    create index filesystems_deleted on filesystems (retired, id) where retired is not null;
    create index filesystems_deleted_owner on filesystems (owner, retired, id) where retired is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index filesystems_deleted, filesystems_deleted_owner;
    alter table filesystems
      drop column status,
      add column status text not null generated always as (
        case
          when failed then 'error'
          when deletion_wanted is not null then 'deleting'
          when applied_size_bytes is null then 'creating'
          when applied_size_bytes <> size_bytes then 'resizing'
          else 'available'
        end
      ) stored;
    alter table filesystems drop column restoring, drop column purging, drop column purge_after;
  `);
}
