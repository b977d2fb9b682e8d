import type { Knex } from 'knex';

/**
 * Backends that other processes serve: what those tell of themselves, and what a reconciler's own role may see and change
 * (docs/filers.md). The owner of the tables, which the API is, is not held to the policies.
 */
export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw<{ rows: { schema: string }[] }>('select quote_ident(current_schema()) as schema');
  const [{ schema } = { schema: '' }] = rows;
  await knex.raw(`
    alter table backends
      -- of each volume: file-system or none; null: told by a program that did not know
      add column isolation text check (isolation in ('file-system', 'none')),
      add column room_total_bytes bigint check (room_total_bytes >= 0),
      add column room_free_bytes bigint check (room_free_bytes >= 0),
      -- when that was so what its filesystems may still take of it
      add column room_promised_bytes bigint check (room_promised_bytes >= 0),
      add column room_told timestamptz,
      add check ((room_told is null) = (room_free_bytes is null));

    -- one row a process that serves a backend; it goes with the process, or some time after
    create table backend_reconcilers (
      backend text collate "C" not null references backends on delete cascade,
      process text not null,
      version text not null,
      fingerprint text not null,
      state text not null check (state in ('starting', 'up', 'withdraw-only', 'down', 'outdated-settings')),
      message text,
      heartbeat timestamptz not null,
      primary key (backend, process)
    );

    -- what was promised since the room was told
    create index filesystems_created on filesystems (backend, created);

    -- which role of Postgres works on which backends
    create table reconciler_grants (
      role name not null,
      backend text collate "C" not null check (backend ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
      granted timestamptz not null default now(),
      primary key (role, backend)
    );

    alter table reconciler_grants enable row level security;
    create policy own on reconciler_grants for select using (role = current_user);
    ${mayBeLetIn(schema)}
    ${POLICIES}
    ${guard(schema)}
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger filesystems_guard on filesystems;
    drop function guard_filesystem();
    ${[...BY_BACKEND, ...BY_FILESYSTEM, ...BY_INSTANCE].map((table) => `drop policy own on ${table}; alter table ${table} disable row level security;`).join('\n')}
    drop policy purged on filesystems;
    drop policy let_in on access_entries;
    drop function may_be_let_in(text);
    drop table reconciler_grants, backend_reconcilers;
    drop index filesystems_created;
    alter table backends drop column isolation, drop column room_total_bytes, drop column room_free_bytes,
      drop column room_promised_bytes, drop column room_told;
  `);
}

const BY_BACKEND = ['filesystems', 'backend_reconcilers', 'backends'];
const BY_INSTANCE = ['instances', 'instance_addresses'];
const BY_FILESYSTEM = ['connections', 'access_entries', 'access_faults', 'access_log'];

/** Read once a statement, not once a row: an array that an index can be searched by. */
const OWN_BACKENDS = 'any(array(select g.backend from reconciler_grants g where g.role = current_user))';

/** Of a row of the table: whether its filesystem is on a backend of the role's. Its own policy sees to that. */
const ofOwnFilesystem = (table: string) => `exists (select from filesystems f where f.id = ${table}.filesystem_id)`;

const POLICIES = `
  ${BY_BACKEND.map(
    (table) => `
  alter table ${table} enable row level security;
  create policy own on ${table} using (${table === 'backends' ? 'name' : 'backend'} = ${OWN_BACKENDS});`,
  ).join('')}
  create policy purged on filesystems as restrictive for delete using (retired is not null);
  ${BY_FILESYSTEM.map(
    (table) => `
  alter table ${table} enable row level security;
  create policy own on ${table} using (${ofOwnFilesystem(table)});`,
  ).join('')}
  -- else an entry of an instance that has ended would show it
  create policy let_in on access_entries as restrictive for insert with check (may_be_let_in(instance_id));
  alter table instances enable row level security;
  -- those that may be let in, and those that are
  create policy own on instances for select using (
    (state = 'live' or exists (select from access_entries e where e.instance_id = instances.id))
    and exists (select from reconciler_grants g where g.role = current_user)
  );
  alter table instance_addresses enable row level security;
  -- one look-up an address: \`exists\` could be answered by a walk through all instances
  create policy own on instance_addresses for select using (
    (select i.state = 'live' from instances i where i.id = instance_addresses.instance_id)
  );
`;

/**
 * Whether an instance is live, or was when a run that ends now may have read so: what a role may make entries of. It sees more
 * than the role, and tells no more than this.
 */
const mayBeLetIn = (schema: string) => `
  create function may_be_let_in(instance text) returns boolean language plpgsql stable security definer
  set search_path = ${schema}, pg_temp as $may$
  begin
    return exists (select from instances i where i.id = instance and (i.state = 'live' or i.changed > now() - interval '1 hour'));
  end
  $may$;
`;

/** What column rights cannot say of a reconciler's role: which values it may write. Its own search path has no say in it. */
const guard = (schema: string) => `
  create function guard_filesystem() returns trigger language plpgsql set search_path = ${schema}, pg_temp as $guard$
  begin
    if exists (select from reconciler_grants g where g.role = current_user) and (
      -- a resize that was refused goes back to what there is, and to nothing else
      ((new.size_bytes, new.size_text) is distinct from (old.size_bytes, old.size_text)
        and (new.size_bytes, new.size_text) is distinct from (old.applied_size_bytes, old.applied_size_text))
      -- and a resize that was done is to what was wanted; none at all: the volume is to be made anew
      or ((new.applied_size_bytes, new.applied_size_text) is distinct from (old.applied_size_bytes, old.applied_size_text)
        and new.applied_size_bytes is not null
        and (new.applied_size_bytes, new.applied_size_text) is distinct from (old.size_bytes, old.size_text))
      or new.desired_revision < old.desired_revision
      -- above what can be found in a storage (LARGEST_FOUND_REVISION) one by one
      or new.desired_revision > greatest(old.desired_revision, 1000000000000000) + 1
      or new.attributes_revision not in (old.attributes_revision, old.attributes_revision + 1)
      -- nor brings back what was deleted
      or (new.retired is null and old.retired is not null)
      or (new.purging is null and old.purging is not null)
      or (new.restoring and not old.restoring)
    ) then
      raise exception 'a reconciler does not decide what is wanted of a filesystem' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end
  $guard$;
  -- not with every update: few touch these
  create trigger filesystems_guard before update on filesystems for each row
    when (new.size_bytes <> old.size_bytes or new.size_text <> old.size_text
      or new.applied_size_bytes is distinct from old.applied_size_bytes
      or new.applied_size_text is distinct from old.applied_size_text
      or new.desired_revision < old.desired_revision or new.desired_revision > old.desired_revision + 1
      or new.attributes_revision <> old.attributes_revision
      or new.retired is distinct from old.retired or new.purging is distinct from old.purging or new.restoring <> old.restoring)
    execute function guard_filesystem();
`;
