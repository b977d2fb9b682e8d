import type { Knex } from 'knex';

/** Rows of the access log of addresses that a backend let in and no instance had: found there, never granted by us. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table access_log alter column instance_id drop not null');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from access_log where instance_id is null;
    alter table access_log alter column instance_id set not null;
  `);
}
