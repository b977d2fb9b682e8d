import type { Knex } from 'knex';

/** What the message bus and the Compute API need: when something was heard, what Compute is to be asked, which port is where. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- one row: what the deployment is, and how its last resync went
    create table deployment (
      single boolean primary key default true check (single),
      identity uuid not null default gen_random_uuid(),
      resync_begun timestamptz,
      resync_ended timestamptz,
      resync_outcome text check (resync_outcome in ('complete', 'incomplete', 'braked', 'failed')),
      resync_message text,
      resync_instances integer check (resync_instances >= 0),
      resync_missing integer check (resync_missing >= 0),
      check ((resync_begun is null) = (resync_ended is null) and (resync_begun is null) = (resync_outcome is null))
    );
    insert into deployment default values;

    -- up to which desired revision a run may have read what should hold; raised when a lease is given up
    alter table filesystems add column seen_revision bigint not null default 0, add check (seen_revision <= desired_revision);
    update filesystems set seen_revision = desired_revision;

    alter table instances
      add column first_heard timestamptz not null default now(),
      -- by our clock: when something was last stored of it
      add column heard timestamptz not null default now(),
      -- the last change that could touch access: when by our clock, and what said it
      add column changed timestamptz,
      -- by our clock: when others than Compute last told of its end, and of its addresses
      add column end_heard timestamptz,
      add column addresses_heard timestamptz,
      add column cause text,
      -- when Compute is to be asked about it; null: nothing is open
      add column ask_next timestamptz,
      add column ask_reason text check (ask_reason in ('claim', 'port', 'addresses', 'dispute', 'late', 'ending', 'missing')),
      add column asked timestamptz,
      -- raised when it is taken and when something is raised: an answer settles what was taken alone
      add column ask_token bigint not null default 0,
      add column ask_failures integer not null default 0 check (ask_failures >= 0),
      add check (ask_next is null or ask_reason is not null);
    create index instances_ask on instances ((ask_reason = 'missing'), ask_next) where ask_next is not null;

    -- by our clock: a tombstone stays for its time, whatever its message said
    drop index instances_gone;
    create index instances_gone on instances (heard) where state = 'gone';

    alter table instance_addresses
      add column mac text check (mac ~ '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$'),
      -- among the addresses of its instance, as numbers, from 1
      add column position integer not null default 1 check (position > 0);
    update instance_addresses a set position = ordered.position
    from (
      select instance_id, address, row_number() over (partition by instance_id order by address) as position
      from instance_addresses
    ) as ordered
    where a.instance_id = ordered.instance_id and a.address = ordered.address;

    -- a Neutron port never changes its network: what was learnt once holds
    create table ports (
      id text collate "C" primary key,
      network text collate "C" not null,
      learnt timestamptz not null default now()
    );
    create index ports_learnt on ports (learnt);
    create index instance_addresses_port on instance_addresses (port) where port is not null;

    drop index access_log_filesystem;
    alter table access_log
      -- the instance's when the row was written; null: not known
      add column project text collate "C",
      -- what the time of a row is outside of Postgres: a page that begins behind it must not meet the row again
      alter column time type timestamptz(3);
    update access_log l set project = i.project from instances i where i.id = l.instance_id;
    create index access_log_filesystem on access_log (filesystem_id, time, id);
    create index access_log_project on access_log (filesystem_id, project, time, id);
    -- by id: runs over one filesystem follow each other, whatever their processes' clocks say
    create index access_log_instance on access_log (filesystem_id, instance_id, address, id desc)
      include (time, granted);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index access_log_instance, access_log_project, access_log_filesystem;
    create index access_log_filesystem on access_log (filesystem_id, id);
    alter table access_log drop column project, alter column time type timestamptz;
    drop table ports, deployment;
    alter table filesystems drop column seen_revision;
    drop index instance_addresses_port, instances_gone;
    create index instances_gone on instances (state_time) where state = 'gone';
    alter table instance_addresses drop column mac, drop column position;
    -- claims that nothing is known of
    delete from instances i where state is null and project_time is null and addresses_time is null
      and not exists (select from access_entries e where e.instance_id = i.id);
    alter table instances drop column first_heard, drop column heard, drop column changed, drop column cause,
      drop column end_heard, drop column addresses_heard, drop column ask_next, drop column ask_reason,
      drop column asked, drop column ask_token, drop column ask_failures;
  `);
}
