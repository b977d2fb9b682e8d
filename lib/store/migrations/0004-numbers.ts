import type { Knex } from 'knex';

/** Numbers that backends need of their filesystems: an `Export_Id`, a project quota's id. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table filesystems add column number integer check (number > 0);
    -- until the row goes, which is when its data is destroyed: a number is used again only then
    create unique index filesystems_number on filesystems (backend, number) where number is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table filesystems drop column number');
}
