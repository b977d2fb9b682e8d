import type { Knex } from 'knex';
import type { InstanceAddress } from '../domain/address';
import { type KnownInstance, knowsWhatExists, type Observation } from '../domain/instance';

/**
 * The observations with the networks of the ports in them, as far as they are known. Notifications name the port, and of its
 * network the label alone, which tenants choose: a port never changes its network, so what was learnt once holds. Compute's
 * listing and legacy notifications name the MAC address alone, which tenants choose too: by it an address that the instance
 * has already stays what it was, and no other one becomes anything. Keeps what the observations themselves tell of ports.
 * @param compared the instance whose answer was compared with its interfaces: what that left open is not known
 */
export async function withKnownPorts(
  trx: Knex.Transaction,
  observations: readonly Observation[],
  known: ReadonlyMap<string, KnownInstance>,
  compared: string | null,
  now: Date,
): Promise<readonly Observation[]> {
  await learn(trx, observations, now);
  const networks = await networksOf(trx, observations);
  return observations.map((observation) => {
    const { instanceId, addresses } = observation;
    if (!addresses) return observation;
    const had = instanceId === compared ? [] : (known.get(instanceId)?.addresses?.value ?? []);
    return { ...observation, addresses: addresses.map((each) => withPort(each, had, networks)) };
  });
}

function withPort(
  address: InstanceAddress,
  had: readonly InstanceAddress[],
  networks: ReadonlyMap<string, string>,
): InstanceAddress {
  const { network, port, mac } = address;
  if (network !== null) return address;
  if (port !== null) return { ...address, network: networks.get(port) ?? null };
  const same = had.find((each) => each.address === address.address && each.kind === address.kind);
  return same && mac !== null && same.mac === mac ? { ...address, port: same.port, network: same.network } : address;
}

async function networksOf(
  trx: Knex.Transaction,
  observations: readonly Observation[],
): Promise<ReadonlyMap<string, string>> {
  const asked = observations
    .flatMap(({ addresses = [] }) => addresses)
    .flatMap(({ port, network }) => (port !== null && network === null ? [port] : []));
  if (asked.length === 0) return new Map();
  const rows: { id: string; network: string }[] = await trx('ports')
    .select('id', 'network')
    .whereIn('id', [...new Set(asked)]);
  return new Map(rows.map(({ id, network }) => [id, network]));
}

/** From who knows what exists. */
async function learn(trx: Knex.Transaction, observations: readonly Observation[], now: Date): Promise<void> {
  const told = observations
    .filter(knowsWhatExists)
    .flatMap(({ addresses = [] }) => addresses)
    .flatMap(({ port, network }) => (port !== null && network !== null ? [[port, network] as const] : []));
  if (told.length === 0) return;
  const rows = [...new Map(told)].map(([id, network]) => ({ id, network, learnt: now }));
  await trx('ports').insert(rows).onConflict('id').ignore();
}
