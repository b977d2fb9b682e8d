import type { Knex } from 'knex';

/** The tables of docs/architecture.md, "Tables". Every rule that Postgres can hold stands here as a constraint. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table backends (
      name text collate "C" primary key check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
      identity uuid not null,
      driver text not null,
      marked boolean not null default false,
      fingerprint text not null,
      -- the last filesystem that a new fingerprint has bumped; null: all are
      rebumped_to uuid,
      lacks text[] not null default '{}',
      heartbeat timestamptz not null default now()
    );

    create table filesystems (
      id uuid primary key,
      name text collate "C" not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' and name <> 'detail'),
      owner text collate "C" not null check (owner <> ''),
      scope text not null check (scope in ('global', 'project', 'instance')),
      project text collate "C" check (project <> ''),
      size_bytes bigint not null check (size_bytes between 1 and 1152921504606846976),
      size_text text not null,
      applied_size_bytes bigint check (applied_size_bytes > 0),
      applied_size_text text,
      -- the settings under which the volume and its export location were last confirmed
      volume_fingerprint text,
      attributes_revision bigint not null default 1 check (attributes_revision > 0),
      deletion_wanted timestamptz,
      retired timestamptz,
      backend text collate "C" not null,
      export_location text,
      used_bytes bigint check (used_bytes >= 0),
      used_counted timestamptz,
      usage_wanted timestamptz,
      failed boolean not null default false,
      fault_message text,
      fault_created timestamptz,
      last_error text,
      desired_revision bigint not null default 1,
      applied_revision bigint not null default 0 check (applied_revision >= 0),
      withdraw_revision bigint not null default 0,
      cause text,
      behind_since timestamptz,
      access_count integer not null default 0 check (access_count >= 0),
      next_attempt timestamptz,
      not_before timestamptz not null default '-infinity',
      grant_not_before timestamptz not null default '-infinity',
      leased_by text,
      lease_token bigint not null default 0 check (lease_token >= 0),
      failures integer not null default 0 check (failures >= 0),
      created timestamptz not null default now(),
      updated timestamptz not null default now(),
      status text not null generated always as (
        case
          when failed then 'error'
          when deletion_wanted is not null then 'deleting'
          when applied_size_bytes is null then 'creating'
          when applied_size_bytes <> size_bytes then 'resizing'
          else 'available'
        end
      ) stored,
      check ((scope = 'project') = (project is not null)),
      check ((applied_size_bytes is null) = (applied_size_text is null)),
      check ((fault_message is null) = (fault_created is null)),
      check (retired is null or deletion_wanted is not null),
      check (applied_revision <= desired_revision),
      check (withdraw_revision <= desired_revision),
      -- a lease ends: it cannot be held by nobody's clock
      check (leased_by is null or next_attempt is not null)
    );
    create unique index filesystems_name on filesystems (name) where retired is null;
    create index filesystems_owner on filesystems (owner, name) where retired is null;
    create index filesystems_project on filesystems (project, name) where retired is null and scope = 'project';
    create index filesystems_global on filesystems (name) where retired is null and scope = 'global';
    -- partial: only rows that are due, so claiming stays quick with 100,000 filesystems in step
    create index filesystems_due on filesystems (backend, next_attempt) where next_attempt is not null;
    create index filesystems_parked on filesystems (backend)
      where next_attempt is null and failures > 0 and not failed;
    create index filesystems_behind on filesystems (backend, behind_since) where behind_since is not null;
    create index filesystems_backend on filesystems (backend, id);
    create index filesystems_usage_wanted on filesystems (backend) where usage_wanted is not null;
    create index filesystems_usage on filesystems (backend, used_counted nulls first)
      where retired is null and applied_size_bytes is not null;

    create table instances (
      id text collate "C" primary key check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
      project text collate "C",
      project_time timestamptz,
      project_source text,
      state text check (state in ('live', 'suspended', 'gone')),
      state_time timestamptz,
      state_source text,
      addresses_time timestamptz,
      addresses_source text,
      live_until timestamptz,
      check ((project_time is null) = (project_source is null)),
      check (project is null or project_time is not null),
      check ((state is null) = (state_time is null) and (state is null) = (state_source is null)),
      check ((addresses_time is null) = (addresses_source is null))
    );
    create index instances_project on instances (project, id);
    create index instances_live on instances (id) where state = 'live';
    create index instances_gone on instances (state_time) where state = 'gone';

    create table instance_addresses (
      instance_id text collate "C" not null references instances on delete cascade,
      address inet not null check (masklen(address) = case family(address) when 4 then 32 else 128 end),
      kind text not null check (kind in ('fixed', 'floating')),
      network text collate "C",
      port text collate "C",
      primary key (instance_id, address)
    );
    create index instance_addresses_address on instance_addresses (address);

    create table connections (
      filesystem_id uuid not null references filesystems on delete cascade,
      instance_id text collate "C" not null references instances on delete cascade,
      connected_by_user text,
      connected_by_project text not null,
      created timestamptz not null default now(),
      primary key (filesystem_id, instance_id)
    );
    create index connections_instance on connections (instance_id);

    create table access_entries (
      filesystem_id uuid not null references filesystems on delete cascade,
      instance_id text collate "C" not null references instances,
      address inet not null check (masklen(address) = case family(address) when 4 then 32 else 128 end),
      applied timestamptz not null default now(),
      primary key (filesystem_id, instance_id, address)
    );
    create index access_entries_instance on access_entries (instance_id);

    create table access_faults (
      filesystem_id uuid not null references filesystems on delete cascade,
      address inet not null check (masklen(address) = case family(address) when 4 then 32 else 128 end),
      message text not null,
      created timestamptz not null default now(),
      primary key (filesystem_id, address)
    );

    create table access_log (
      id bigint generated always as identity primary key,
      -- no foreign key: the log outlives what it speaks of
      filesystem_id uuid not null,
      instance_id text collate "C" not null,
      address inet not null,
      granted boolean not null,
      cause text,
      revision bigint not null,
      time timestamptz not null default now()
    );
    create index access_log_filesystem on access_log (filesystem_id, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'drop table access_log, access_faults, access_entries, connections, instance_addresses, instances, filesystems, backends',
  );
}
