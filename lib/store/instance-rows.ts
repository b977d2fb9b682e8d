import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { type AddressKind, compareAddresses, type InstanceAddress } from '../domain/address';
import type { Fact, InstanceState, KnownInstance, ObservationSource } from '../domain/instance';
import type { Heard } from '../domain/trust';
import type { Change } from './concerned';

/** A row of `instances`, with its addresses. */
export interface InstanceRow {
  readonly id: string;
  readonly project: string | null;
  readonly project_time: Date | null;
  readonly project_source: ObservationSource | null;
  readonly state: InstanceState | null;
  readonly state_time: Date | null;
  readonly state_source: ObservationSource | null;
  readonly addresses_time: Date | null;
  readonly addresses_source: ObservationSource | null;
  readonly live_until: Date | null;
  /** `[address, kind, network, port, mac]`, sorted by the address' text. */
  readonly addresses: readonly [string, AddressKind, string | null, string | null, string | null][];
}

interface HeardRow {
  readonly end_heard: Date | null;
  readonly addresses_heard: Date | null;
  readonly doubted: boolean;
}

/** What the directory knows of some instances. */
export interface ReadInstances {
  /** By id. */
  readonly known: ReadonlyMap<string, KnownInstance>;
  /** Ids of those that have an address which is doubted. */
  readonly doubted: ReadonlySet<string>;
  /** When others than Compute have told of them, by id. */
  readonly heard: ReadonlyMap<string, Heard>;
}

/** Reads what is known of these instances. The caller holds the exclusive advisory lock. */
export async function readInstances(trx: Knex.Transaction, ids: readonly string[]): Promise<ReadInstances> {
  const { rows } = await trx.raw<{ rows: (InstanceRow & HeardRow)[] }>(
    `select i.id, i.project, ${instanceColumns('i')}, i.end_heard, i.addresses_heard,
       exists (select from instance_addresses a where a.instance_id = i.id and a.doubted is not null) as doubted
     from instances i where i.id = any(:ids::text[]) order by i.id`,
    { ids: [...new Set(ids)] },
  );
  return {
    known: new Map(rows.map((row) => [row.id, toKnownInstance(row)])),
    doubted: new Set(rows.flatMap(({ id, doubted }) => (doubted ? [id] : []))),
    heard: new Map(rows.map(({ id, end_heard: end, addresses_heard: addresses }) => [id, { end, addresses }] as const)),
  };
}

/** The columns of an `InstanceRow` but id and project, of the table with this alias. */
export function instanceColumns(alias: string): string {
  return `${alias}.project_time, ${alias}.project_source, ${alias}.state, ${alias}.state_time, ${alias}.state_source,
    ${alias}.addresses_time, ${alias}.addresses_source, ${alias}.live_until,
    coalesce((
      select json_agg(json_build_array(host(a.address), a.kind, a.network, a.port, a.mac) order by host(a.address) collate "C")
      from instance_addresses a where a.instance_id = ${alias}.id
    ), '[]') as addresses`;
}

/** Row → domain. */
export function toKnownInstance(row: InstanceRow): KnownInstance {
  const addresses = row.addresses.map(([address, kind, network, port, mac]) => ({ address, kind, network, port, mac }));
  return {
    id: row.id,
    project: fact(row.project, row.project_time, row.project_source),
    state: row.state === null ? null : fact(row.state, row.state_time, row.state_source),
    addresses: fact<readonly InstanceAddress[]>(addresses, row.addresses_time, row.addresses_source),
    liveUntil: row.live_until,
  };
}

function fact<Value>(value: Value, time: Date | null, source: ObservationSource | null): Fact<Value> | null {
  return time === null || source === null ? null : { value, time, source };
}

/** An instance and what may be written of it. */
export interface WrittenInstance extends Change {
  /** Whether the change could touch access: then its cause is kept. */
  readonly affectsAccess: boolean;
  readonly heard: Heard;
}

/** Writes what has changed, in four statements at most, however many instances there are. */
export async function writeInstances(
  trx: Knex.Transaction,
  changes: readonly WrittenInstance[],
  now: Date,
): Promise<void> {
  await upsertInstances(trx, changes, now);
  const removed = changes.flatMap(({ before, after }) => {
    const present = new Set((after.addresses?.value ?? []).map(({ address }) => address));
    return (before?.addresses?.value ?? []).flatMap(({ address }) =>
      present.has(address) ? [] : [[after.id, address] as const],
    );
  });
  if (removed.length > 0)
    await trx.raw(
      `delete from instance_addresses a using unnest(:ids::text[], :addresses::inet[]) as r(id, address)
       where a.instance_id = r.id and a.address = r.address`,
      { ids: removed.map(([id]) => id), addresses: removed.map(([, address]) => address) },
    );
  const written = changes.flatMap(({ before, after }) => {
    const known = new Map(positioned(before).map((row) => [row.address, row]));
    return positioned(after).filter((row) => !isDeepStrictEqual(row, known.get(row.address)));
  });
  if (written.length > 0)
    await trx.raw(
      `insert into instance_addresses (instance_id, address, kind, network, port, mac, position)
       select instance_id, address, kind, network, port, mac, position
       from json_populate_recordset(null::instance_addresses, :rows::json)
       on conflict (instance_id, address) do update set
         kind = excluded.kind, network = excluded.network, port = excluded.port, mac = excluded.mac,
         position = excluded.position`,
      { rows: JSON.stringify(written) },
    );
}

async function upsertInstances(trx: Knex.Transaction, changes: readonly WrittenInstance[], now: Date): Promise<void> {
  const rows = changes.map(({ after, cause, affectsAccess, heard }) => ({
    id: after.id,
    project: after.project?.value ?? null,
    project_time: after.project?.time ?? null,
    project_source: after.project?.source ?? null,
    state: after.state?.value ?? null,
    state_time: after.state?.time ?? null,
    state_source: after.state?.source ?? null,
    addresses_time: after.addresses?.time ?? null,
    addresses_source: after.addresses?.source ?? null,
    live_until: after.liveUntil,
    first_heard: now,
    heard: now,
    changed: affectsAccess ? now : null,
    end_heard: heard.end,
    addresses_heard: heard.addresses,
    cause: affectsAccess ? cause : null,
  }));
  await trx.raw(
    `insert into instances (id, project, project_time, project_source, state, state_time, state_source,
                            addresses_time, addresses_source, live_until, first_heard, heard, changed, cause,
                            end_heard, addresses_heard)
       select id, project, project_time, project_source, state, state_time, state_source,
              addresses_time, addresses_source, live_until, first_heard, heard, changed, cause,
              end_heard, addresses_heard
       from json_populate_recordset(null::instances, :rows::json) order by id
     on conflict (id) do update set
       project = excluded.project, project_time = excluded.project_time, project_source = excluded.project_source,
       state = excluded.state, state_time = excluded.state_time, state_source = excluded.state_source,
       addresses_time = excluded.addresses_time, addresses_source = excluded.addresses_source,
       live_until = excluded.live_until, heard = excluded.heard,
       end_heard = excluded.end_heard, addresses_heard = excluded.addresses_heard,
       changed = coalesce(excluded.changed, instances.changed), cause = coalesce(excluded.cause, instances.cause),
       -- of one that is gone nothing is open any more, nor is what has been told meanwhile
       ask_next = case
         when excluded.state = 'gone' then null
         when instances.ask_reason = 'addresses' and excluded.addresses_time is not null then null
         else instances.ask_next end`,
    { rows: JSON.stringify(rows) },
  );
}

/** Its addresses as rows, each with its place among them as numbers. */
function positioned(
  instance: KnownInstance | null,
): readonly (InstanceAddress & { instance_id: string; position: number })[] {
  const addresses = instance?.addresses?.value ?? [];
  return addresses
    .toSorted((one, other) => compareAddresses(one.address, other.address))
    .map(({ address, kind, network, port, mac }, index) => ({
      instance_id: instance?.id ?? '',
      address,
      kind,
      network,
      port,
      mac,
      position: index + 1,
    }));
}
