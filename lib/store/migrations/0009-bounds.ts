import type { Knex } from 'knex';

/** A reconciler's role may write these times: none of them may be one that nobody can read. */
const TIMES: Readonly<Record<string, readonly string[]>> = {
  filesystems:
    'retired purge_after purging used_counted usage_wanted fault_created behind_since next_attempt updated'.split(' '),
  backends: ['heartbeat', 'room_told'],
  backend_reconcilers: ['heartbeat'],
  access_entries: ['applied'],
  access_faults: ['created'],
  access_log: ['time'],
};

const isSane = (time: string) => `${time} between '2000-01-01Z' and '2200-01-01Z'`;
const isSize = (text: string) => `${text} ~ '^[1-9][0-9]{0,15}[KMGTP]b$'`;

/** What no row may hold, whoever writes it: one that does would be in the way of everybody. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ${Object.entries(TIMES)
      .map(
        ([table, times]) => `
    -- not valid: rows that are there have times of ours, and the log is long
    alter table ${table} add constraint ${table}_times check (${times.map(isSane).join(' and ')}) not valid;`,
      )
      .join('')}
    alter table filesystems
      add constraint filesystems_pauses check (
        (not_before = '-infinity' or ${isSane('not_before')}) and (grant_not_before = '-infinity' or ${isSane('grant_not_before')})
      ),
      -- LARGEST_REVISION: there is always one more for bigint; the others are not above it
      add constraint filesystems_revision check (desired_revision <= 999999999999999999),
      add constraint filesystems_sizes check (${isSize('size_text')} and ${isSize('applied_size_text')});
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ${Object.keys(TIMES)
      .map((table) => `alter table ${table} drop constraint ${table}_times;`)
      .join('\n')}
    alter table filesystems drop constraint filesystems_pauses, drop constraint filesystems_revision,
      drop constraint filesystems_sizes;
  `);
}
