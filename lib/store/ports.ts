import type { Knex } from 'knex';
import type { InstanceAddress } from '../domain/address';
import type { Observation } from '../domain/instance';

interface PortRow {
  readonly id: string;
  readonly network: string;
  readonly instance_id: string;
  readonly mac: string | null;
}

/**
 * The observations with what was learnt before of the ports in them: notifications name the port, and of its network the
 * label alone, which tenants choose; Compute's listing and legacy notifications name the MAC address alone. Keeps what they
 * themselves tell of ports. A port never changes its network.
 */
export async function withKnownPorts(
  trx: Knex.Transaction,
  observations: readonly Observation[],
  now: Date,
): Promise<readonly Observation[]> {
  for (const observation of observations) await learn(trx, observation, now);
  const open = observations.filter(({ addresses = [] }) => addresses.some(({ network }) => network === null));
  if (open.length === 0) return observations;
  const rows: PortRow[] = await trx('ports')
    .select('id', 'network', 'instance_id', 'mac')
    .whereIn(
      'instance_id',
      open.map(({ instanceId }) => instanceId),
    )
    .orWhereIn(
      'id',
      open.flatMap(({ addresses = [] }) => addresses.flatMap(({ port }) => port ?? [])),
    );
  if (rows.length === 0) return observations;
  return observations.map((observation) => ({
    ...observation,
    addresses: observation.addresses?.map((each) => withPort(each, observation.instanceId, rows)),
  }));
}

function withPort(address: InstanceAddress, instanceId: string, ports: readonly PortRow[]): InstanceAddress {
  const { network, port, mac } = address;
  if (network !== null) return address;
  const known = ports.filter((each) =>
    port === null ? mac !== null && each.mac === mac && each.instance_id === instanceId : each.id === port,
  );
  const [one, ...more] = known;
  // two ports of one MAC address, on networks of which a tenant has made one: it is not known which this is
  return one && more.length === 0 ? { ...address, port: one.id, network: one.network } : address;
}

/** From who knows: Compute, or the host itself. Their list is whole, so that the instance has no other port any more. */
async function learn(
  trx: Knex.Transaction,
  { instanceId, addresses = [], source }: Observation,
  now: Date,
): Promise<void> {
  if (source !== 'compute' && source !== 'host') return;
  const told = new Map<string, PortRow>();
  for (const { port, network, mac } of addresses)
    if (port !== null && network !== null) told.set(port, { id: port, network, instance_id: instanceId, mac });
  if (told.size === 0) return;
  await trx('ports')
    .where({ instance_id: instanceId })
    .whereNotIn('id', [...told.keys()])
    .delete();
  await trx('ports')
    .insert([...told.values()].map((row) => ({ ...row, learnt: now })))
    .onConflict('id')
    .merge(['instance_id', 'mac', 'learnt']);
}
