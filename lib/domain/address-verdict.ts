import { type CountingRule, canCount, contains, counts, type InstanceAddress, needsNetwork } from './address';
import { SURPLUS } from './entitlement';

/** Whether an address of an instance counts, in words for who has the instance. */
export interface AddressVerdict {
  /** Null: not, and it may when the network of its port is known. */
  readonly counts: boolean | null;
  readonly reason: string;
}

/**
 * Says of an address why it counts or not; `counts` and `countingAddresses` decide it. The settings themselves are not told.
 * @param surplus those of the instance's addresses that are above the limit
 * @param isCounted whether it is counted, be it only because it is let in already
 */
export function addressVerdict(
  rule: CountingRule,
  surplus: readonly InstanceAddress[],
  address: InstanceAddress,
  isCounted: boolean,
): AddressVerdict {
  if (surplus.includes(address)) return { counts: false, reason: SURPLUS };
  if (counts(rule, address)) return { counts: true, reason: 'It counts.' };
  if (isCounted)
    return { counts: true, reason: 'It is let in already, and stays while the network of its port is not known.' };
  if (needsNetwork(rule, address)) return { counts: null, reason: 'The network of its port is not known yet.' };
  return { counts: false, reason: whyNot(rule, address) };
}

/** Of an address that does not count whatever Compute may still say. */
function whyNot({ networks, kinds, excluded = [] }: CountingRule, { address, kind }: InstanceAddress): string {
  if (!canCount(address)) return 'It is of a kind that never counts, such as link-local.';
  if (excluded.includes(address)) return "It is the filer's own.";
  if (!kinds.includes(kind)) return `It is ${kind}: these do not count here.`;
  return networks?.some(({ cidr }) => contains(cidr, address))
    ? 'Its range counts on another network than its own.'
    : 'It is outside the networks that count.';
}
