import { sortAddresses } from './address';

/** An address of an instance that a backend lets in, or should. */
export interface AccessEntry {
  readonly instanceId: string;
  /** Canonical. */
  readonly address: string;
}

/** What has to come and to go so that one set of entries becomes another. */
export interface AccessDifference<Entry extends AccessEntry = AccessEntry> {
  readonly granted: readonly Entry[];
  readonly withdrawn: readonly Entry[];
}

/**
 * What a settled run changes, and what a dry run foretells: one function, so that they agree.
 * @param wanted each entry once, as `present`; both in any order, which is kept
 */
export function accessDifference<Entry extends AccessEntry>(
  wanted: readonly Entry[],
  present: readonly Entry[],
): AccessDifference<Entry> {
  return { granted: minus(wanted, present), withdrawn: minus(present, wanted) };
}

/** By address as a number, IPv4 before IPv6, and then by the instance's id in byte order. */
export function inAddressOrder<Entry extends AccessEntry>(entries: readonly Entry[]): readonly Entry[] {
  const addresses = sortAddresses([...new Set(entries.map(({ address }) => address))]);
  const places = new Map(addresses.map((address, place) => [address, place]));
  const placeOf = ({ address }: Entry) => places.get(address) ?? 0;
  return entries.toSorted(
    (one, other) =>
      placeOf(one) - placeOf(other) ||
      (one.instanceId < other.instanceId ? -1 : Number(one.instanceId > other.instanceId)),
  );
}

function minus<Entry extends AccessEntry>(list: readonly Entry[], other: readonly Entry[]): readonly Entry[] {
  const keys = new Set(other.map(key));
  return list.filter((entry) => !keys.has(key(entry)));
}

function key({ instanceId, address }: AccessEntry): string {
  return `${address} ${instanceId}`;
}
