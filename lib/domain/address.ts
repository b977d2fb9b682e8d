import { BlockList, isIP, SocketAddress } from 'node:net';
import { InvalidInput } from './errors';

/** Neutron's two kinds: of the instance's own port, or mapped to it by a router. */
export type AddressKind = 'fixed' | 'floating';

/** An address of an instance, as a source reported it. */
export interface InstanceAddress {
  /** Canonical (`parseAddress`). */
  readonly address: string;
  readonly kind: AddressKind;
  /** The Neutron network's id, null while it is not known: notifications carry the label alone, which tenants choose. */
  readonly network: string | null;
  /** The Neutron port's id, null when the source does not say it. */
  readonly port: string | null;
  /** The port's MAC address in lower case, null when the source does not say it. */
  readonly mac: string | null;
}

/** Reads a MAC address as Nova writes it. @returns lower case; null when it is none */
export function parseMac(input: unknown): string | null {
  return typeof input === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(input) ? input.toLowerCase() : null;
}

/** A CIDR whose addresses the storage network can see, and the Neutron network that they must be of (null: any). */
export interface CountingNetwork {
  /** Canonical CIDR, `10.20.0.0/16`. */
  readonly cidr: string;
  readonly networkId: string | null;
}

/** Which addresses count. Its fingerprint stands in Postgres: it decides about access lists (docs/architecture.md, rule 14). */
export interface CountingRule {
  /** Null: every address counts, as in development. Empty: none does. */
  readonly networks: readonly CountingNetwork[] | null;
  readonly kinds: readonly AddressKind[];
  /** The filers' and the service's own: never let in, whoever claims them. */
  readonly excluded?: readonly string[] | undefined;
  /** How many addresses of one instance count, the first in their order; `MOST_ADDRESSES` by default. */
  readonly mostPerInstance?: number | undefined;
}

/** Addresses of one instance that count at most, where nothing else is set. */
export const MOST_ADDRESSES = 8;

const FAMILY = { 4: 'ipv4', 6: 'ipv6' } as const;

/** A list a family: one list would take every IPv4 address for one of the IPv4-mapped range. */
const NEVER = { 4: new BlockList(), 6: new BlockList() };
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4], // reserved, and the limited broadcast address
] as const)
  NEVER[4].addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 96], // unspecified, loopback, IPv4-compatible
  ['::ffff:0:0', 96], // IPv4-mapped
  ['::ffff:0:0:0', 96], // IPv4-translated
  ['64:ff9b::', 96], // NAT64
  ['64:ff9b:1::', 48], // NAT64, local use
  ['2002::', 16], // 6to4
  ['fe80::', 10], // link-local
  ['fec0::', 10], // site-local, deprecated: no scope can be told
  ['ff00::', 8], // multicast
] as const)
  NEVER[6].addSubnet(network, prefix, 'ipv6');

/**
 * Reads one address as any source may write it.
 * @returns the canonical text (RFC 5952 for IPv6), or null when it is no single address: a range, a name, a zone, not a string
 */
export function parseAddress(input: unknown): string | null {
  if (typeof input !== 'string') return null;
  const family = isIP(input);
  if (family === 0 || input.includes('%')) return null;
  return new SocketAddress({ address: input, family: family === 4 ? 'ipv4' : 'ipv6' }).address;
}

/**
 * Whether an address can ever stand in an access list. Unspecified, loopback, link-local and multicast ones cannot, nor can
 * IPv6 forms that carry an IPv4 address: a server may match them against the IPv4 one (docs/architecture.md, rule 10).
 * @param address canonical
 */
export function canCount(address: string): boolean {
  const family = isIP(address) === 4 ? 4 : 6;
  return !NEVER[family].check(address, FAMILY[family]);
}

/**
 * Whether an instance's address counts under the configured rule. SQL says the same (`store/entitlement.ts`); a spec compares them.
 */
export function counts(
  { networks, kinds, excluded = [] }: CountingRule,
  { address, kind, network }: InstanceAddress,
): boolean {
  if (!canCount(address) || excluded.includes(address) || !kinds.includes(kind)) return false;
  if (networks === null) return true;
  return networks.some(
    ({ cidr, networkId }) => contains(cidr, address) && (networkId === null || networkId === network),
  );
}

/**
 * Those of an instance's addresses that count: the first so many in their order as numbers, so that one instance cannot fill a
 * list.
 * @param isLetIn whether the filesystem in question lets an address of it in: that stays while its port's network is not known
 */
export function countingAddresses(
  rule: CountingRule,
  addresses: readonly InstanceAddress[],
  isLetIn: (address: string) => boolean = () => false,
): { readonly counting: readonly InstanceAddress[]; readonly surplus: readonly InstanceAddress[] } {
  const inOrder = addresses
    .filter((each) => counts(rule, each) || (needsNetwork(rule, each) && isLetIn(each.address)))
    .toSorted((one, other) => compareAddresses(one.address, other.address));
  const most = rule.mostPerInstance ?? MOST_ADDRESSES;
  return { counting: inOrder.slice(0, most), surplus: inOrder.slice(most) };
}

/**
 * Whether an address may count or not, by the network of its port, which is not known: Compute tells it. Floating addresses
 * have no port of their own, so they count by CIDRs without a network's id alone.
 */
export function needsNetwork(rule: CountingRule, address: InstanceAddress): boolean {
  const { networks, kinds, excluded = [] } = rule;
  if (networks === null || address.network !== null || address.kind !== 'fixed' || !kinds.includes('fixed'))
    return false;
  if (excluded.includes(address.address) || counts(rule, address)) return false;
  return networks.some(({ cidr, networkId }) => networkId !== null && contains(cidr, address.address));
}

/** Whether some CIDR counts for one Neutron network alone. */
export function namesNetworks({ networks }: CountingRule): boolean {
  return networks?.some(({ networkId }) => networkId !== null) ?? false;
}

/** Whether the CIDR contains the address; both canonical. */
export function contains(cidr: string, address: string): boolean {
  const { network, prefix, family } = splitCidr(cidr);
  if (isIP(address) !== family) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, FAMILY[family]);
  return list.check(address, FAMILY[family]);
}

/**
 * Reads one entry of the `NETWORKS` setting: `10.20.0.0/16`, `fd00:20::/64`, `10.20.0.0/16@<network id>`.
 * @throws InvalidInput when it is none, or when bits are set behind the prefix
 */
export function parseCountingNetwork(input: string): CountingNetwork {
  const [range = '', networkId = null, ...more] = input.trim().split('@');
  const wrong = (why: string) => new InvalidInput(`Invalid network "${input}": ${why}, such as "10.20.0.0/16".`);
  if (more.length > 0 || networkId === '' || (networkId !== null && !/^[A-Za-z0-9._-]{1,64}$/.test(networkId)))
    throw wrong('expected a CIDR, and behind an @ the id of a Neutron network');
  const [text = '', prefixText = '', ...rest] = range.split('/');
  const address = parseAddress(text);
  if (address === null || rest.length > 0 || !/^\d{1,3}$/.test(prefixText)) throw wrong('expected a CIDR');
  const prefix = Number(prefixText);
  const bits = isIP(address) === 4 ? 32 : 128;
  if (prefix > bits) throw wrong(`expected a prefix of at most ${bits}`);
  if ((addressBits(address) & ((1n << BigInt(bits - prefix)) - 1n)) !== 0n)
    throw wrong('expected a CIDR with no bit set behind its prefix');
  return { cidr: `${address}/${prefix}`, networkId };
}

/** Orders addresses as numbers, IPv4 before IPv6: the order in which access lists are written. */
export function compareAddresses(left: string, right: string): number {
  const families = isIP(left) - isIP(right);
  if (families !== 0) return families;
  const difference = addressBits(left) - addressBits(right);
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** Sorted as `compareAddresses` has it, each read as a number once: long lists take a tenth of the time. */
export function sortAddresses(addresses: readonly string[]): readonly string[] {
  return addresses
    .map((address) => ({ address, family: isIP(address), bits: addressBits(address) }))
    .toSorted((one, other) => one.family - other.family || (one.bits < other.bits ? -1 : Number(one.bits > other.bits)))
    .map(({ address }) => address);
}

function splitCidr(cidr: string): { network: string; prefix: number; family: 4 | 6 } {
  const [network = '', prefix = ''] = cidr.split('/');
  return { network, prefix: Number(prefix), family: isIP(network) === 4 ? 4 : 6 };
}

/** The address as a number: 32 bits or 128. */
export function addressBits(address: string): bigint {
  if (isIP(address) === 4) return address.split('.').reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n);
  const [head = '', tail] = address.split('::');
  const groups = (part: string | undefined) =>
    (part ? part.split(':') : []).flatMap((group) => {
      if (!group.includes('.')) return [BigInt(`0x${group}`)];
      const low = addressBits(group);
      return [low >> 16n, low & 0xffffn];
    });
  const front = groups(head);
  const back = groups(tail);
  const filler = Array.from({ length: 8 - front.length - back.length }, () => 0n);
  return [...front, ...(tail === undefined ? [] : filler), ...back].reduce((bits, group) => (bits << 16n) | group, 0n);
}
