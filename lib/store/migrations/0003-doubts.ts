import type { Knex } from 'knex';

/** Since when it is doubted that an address is still its instance's. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table instance_addresses add column doubted timestamptz;
    create index instance_addresses_doubted on instance_addresses (instance_id) where doubted is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table instance_addresses drop column doubted');
}
