import { canCount, type InstanceAddress } from './address';

/**
 * What both lists have: of two lists for one moment, the one that lets in less. In any order and with any repeated, several
 * lists give the same.
 */
export function commonAddresses(
  known: readonly InstanceAddress[],
  said: readonly InstanceAddress[],
): readonly InstanceAddress[] {
  return known.flatMap((one) => {
    const other = said.find(({ address }) => address === one.address);
    // An address of which the two tell different things is left out: else the last to arrive would decide.
    if (!other || one.kind !== other.kind) return [];
    if (differ(one.network, other.network) || differ(one.port, other.port) || differ(one.mac, other.mac)) return [];
    // Two messages about one moment (legacy and versioned) may each know what the other does not say.
    return [{ ...one, network: one.network ?? other.network, port: one.port ?? other.port, mac: one.mac ?? other.mac }];
  });
}

/**
 * Sorted by text, each address once, so that the same list in another order is the same fact. One that can never count is
 * left out, and so is what no instance has so many of: the directory does not hold it.
 */
export function countableAddresses(addresses: readonly InstanceAddress[]): readonly InstanceAddress[] {
  const byAddress = new Map(addresses.filter(({ address }) => canCount(address)).map((each) => [each.address, each]));
  return [...byAddress.values()]
    .toSorted((one, other) => (one.address < other.address ? -1 : Number(one.address > other.address)))
    .slice(0, MOST_KNOWN_ADDRESSES);
}

/** Of one instance: a message with thousands would make every list that it concerns slow. */
export const MOST_KNOWN_ADDRESSES = 256;

/** Whether both are known, and not the same. */
function differ(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && one !== other;
}
