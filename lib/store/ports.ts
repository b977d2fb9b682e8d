import type { Knex } from 'knex';
import type { InstanceAddress } from '../domain/address';
import type { Observation } from '../domain/instance';

/**
 * The observations with the networks of ports that were learnt before: notifications name the port, and of its network the
 * label alone, which tenants choose. Keeps what they themselves tell of ports. A port never changes its network.
 */
export async function withKnownPorts(
  trx: Knex.Transaction,
  observations: readonly Observation[],
  now: Date,
): Promise<readonly Observation[]> {
  const all = observations.flatMap(({ addresses = [] }) => addresses);
  await learn(trx, observations, now);
  const asked = [...new Set(all.flatMap(({ port, network }) => (port !== null && network === null ? [port] : [])))];
  if (asked.length === 0) return observations;
  const rows: { id: string; network: string }[] = await trx('ports').select('id', 'network').whereIn('id', asked);
  if (rows.length === 0) return observations;
  const networks = new Map(rows.map(({ id, network }) => [id, network]));
  const fill = (each: InstanceAddress): InstanceAddress => ({
    ...each,
    network: each.network ?? networks.get(each.port ?? '') ?? null,
  });
  return observations.map((each) => (each.addresses ? { ...each, addresses: each.addresses.map(fill) } : each));
}

/** From who knows: Compute, or the host itself. */
async function learn(trx: Knex.Transaction, observations: readonly Observation[], now: Date): Promise<void> {
  const told = new Map<string, string>();
  for (const { addresses = [], source } of observations)
    if (source === 'compute' || source === 'host')
      for (const { port, network } of addresses) if (port !== null && network !== null) told.set(port, network);
  if (told.size === 0) return;
  await trx('ports')
    .insert([...told].toSorted().map(([id, network]) => ({ id, network, learnt: now })))
    .onConflict('id')
    .ignore();
}
