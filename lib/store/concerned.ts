import type { Knex } from 'knex';
import type { InstanceAddress } from '../domain/address';
import type { KnownInstance } from '../domain/instance';
import type { Cause } from '../ports/viewer';
import type { Bump } from './bump';

/** An instance before and after what was said of it. */
export interface Change {
  /** Null: not known before. */
  readonly before: KnownInstance | null;
  readonly after: KnownInstance;
  /** What said it, such as `instance.delete.start`. */
  readonly cause: string;
}

/** What a change of an instance means for access. */
interface Effect {
  readonly instanceId: string;
  /** Projects whose filesystems it had or has: before and after. */
  readonly projects: readonly string[];
  /** Addresses that appear, go, or are claimed by another project now: they concern all their claimants (rule 1). */
  readonly addresses: readonly string[];
  readonly withdraws: boolean;
  readonly cause: Cause;
}

/**
 * The filesystems whose entitlement these changes may touch. Every one that could be is in it; one too many only costs a
 * run that finds nothing to do. The caller holds the exclusive advisory lock, has written the changes, and has not yet ended connections.
 */
export async function concernedFilesystems(trx: Knex.Transaction, changes: readonly Change[]): Promise<Bump[]> {
  const own = changes.flatMap((change) => effectOf(change) ?? []);
  if (own.length === 0) return [];
  const effects = [...own, ...(await rivals(trx, own, changes))];

  const ofInstance = new Map<string, Omit<Bump, 'id'>>();
  const ofProject = new Map<string, Omit<Bump, 'id'>>();
  for (const effect of effects) {
    add(ofInstance, effect.instanceId, effect);
    for (const project of effect.projects) add(ofProject, project, effect);
  }
  const all = effects.reduce<Omit<Bump, 'id'>>(merge, { withdraws: false, cause: '' });

  const { rows } = await trx.raw<{ rows: { id: string; project: string | null; instance_id: string | null }[] }>(
    `select id, null as project, null as instance_id from filesystems where scope = 'global' and retired is null
     union all
     select id, project, null from filesystems
     where scope = 'project' and retired is null and project = any(:projects::text[])
     union all
     select filesystem_id, null, instance_id from connections where instance_id = any(:instances::text[])`,
    { projects: [...ofProject.keys()], instances: [...ofInstance.keys()] },
  );
  const bumps = new Map<string, Omit<Bump, 'id'>>();
  for (const { id, project, instance_id: instanceId } of rows) {
    const effect = instanceId !== null ? ofInstance.get(instanceId) : project !== null ? ofProject.get(project) : all;
    if (effect) add(bumps, id, effect);
  }
  return [...bumps].map(([id, effect]) => ({ id, ...effect }));
}

/** Whether a change may touch access at all. */
export function affectsAccess(change: Change): boolean {
  return effectOf(change) !== null;
}

/** Null: access is as it was. */
function effectOf({ before, after, cause }: Change): Effect | null {
  const wasLive = before?.state?.value === 'live';
  const isLive = after.state?.value === 'live';
  if (!wasLive && !isLive) return null;
  const had = wasLive ? (before.addresses?.value ?? []) : [];
  const has = isLive ? (after.addresses?.value ?? []) : [];
  const moved = wasLive && isLive && before.project?.value !== after.project?.value;
  const gone = had.filter((each) => moved || !isAmong(each, has));
  const come = has.filter((each) => moved || !isAmong(each, had));
  if (wasLive === isLive && !moved && gone.length === 0 && come.length === 0) return null;
  return {
    instanceId: after.id,
    projects: [before?.project?.value, after.project?.value].flatMap((project) => project ?? []),
    addresses: [...gone, ...come].map(({ address }) => address),
    withdraws: (wasLive && !isLive) || moved || gone.length > 0,
    cause: `${cause} ${after.id}`,
  };
}

function isAmong(one: InstanceAddress, list: readonly InstanceAddress[]): boolean {
  return list.some(
    ({ address, kind, network }) => address === one.address && kind === one.kind && network === one.network,
  );
}

/** Live instances that claim the same addresses: whether they get in depends on who else claims them (rule 10). */
async function rivals(
  trx: Knex.Transaction,
  effects: readonly Effect[],
  changes: readonly Change[],
): Promise<Effect[]> {
  const causes = new Map(effects.flatMap(({ addresses, cause }) => addresses.map((address) => [address, cause])));
  if (causes.size === 0) return [];
  const { rows } = await trx.raw<{ rows: { id: string; project: string | null; address: string }[] }>(
    `select i.id, i.project, host(a.address) as address
     from instance_addresses a join instances i on i.id = a.instance_id
     where a.address = any(:addresses::inet[]) and i.state = 'live'`,
    { addresses: [...causes.keys()] },
  );
  const claims = new Map<string, number>();
  for (const { address } of rows) claims.set(address, (claims.get(address) ?? 0) + 1);
  const changed = new Set(changes.map(({ after }) => after.id));
  return rows
    .filter(({ id, address }) => !changed.has(id) || (claims.get(address) ?? 0) > 1)
    .map(({ id, project, address }) => ({
      instanceId: id,
      projects: project === null ? [] : [project],
      addresses: [],
      withdraws: true,
      cause: causes.get(address) ?? '',
    }));
}

function add(map: Map<string, Omit<Bump, 'id'>>, key: string, effect: Omit<Bump, 'id'>): void {
  map.set(key, merge(map.get(key) ?? { withdraws: false, cause: '' }, effect));
}

/** A withdrawal is the cause that matters. */
function merge(one: Omit<Bump, 'id'>, { withdraws, cause }: Omit<Bump, 'id'>): Omit<Bump, 'id'> {
  return { withdraws: one.withdraws || withdraws, cause: one.withdraws && !withdraws ? one.cause : cause };
}
