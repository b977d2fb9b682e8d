import type { Knex } from 'knex';

/** What a filesystem's clients mount with: backends differ. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table filesystems add column protocol text;
    update filesystems set protocol = 'NFS' where export_location is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table filesystems drop column protocol');
}
