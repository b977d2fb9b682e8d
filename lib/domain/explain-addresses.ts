import { type CountingRule, compareAddresses, type InstanceAddress } from './address';
import { addressVerdict } from './address-verdict';
import { DISPUTED, SURPLUS } from './entitlement';
import type { ExplainedAccess, ExplainedFact } from './explanation';

/** An instance's addresses, each under the rules. All sorted as numbers. */
export interface ExplainedAddresses {
  readonly all: readonly InstanceAddress[];
  /** Those that count, canonical. */
  readonly counting: readonly string[];
  readonly surplus: readonly InstanceAddress[];
  /** Whether those that count should be let in, but for those in dispute. */
  readonly entitled: boolean;
  readonly disputed: readonly string[];
}

/** Whether there is an address that counts. */
export function addressesFact({ instance }: ExplainedAccess, { all, counting }: ExplainedAddresses): ExplainedFact {
  const told = instance?.addresses;
  if (!told) return { fact: 'addresses', holds: null, reason: 'No source has told its addresses.' };
  const { source, time } = told;
  const reason = all.length === 0 ? 'It has no address.' : `Addresses that count: ${counting.length} of ${all.length}.`;
  return { fact: 'addresses', holds: counting.length > 0, reason, source, time };
}

/** Of each address whether it counts. */
export function addressFacts(
  { all, surplus, counting }: ExplainedAddresses,
  rule: CountingRule,
): readonly ExplainedFact[] {
  return all.map((each) => {
    const { counts, reason } = addressVerdict(rule, surplus, each, counting.includes(each.address));
    return { fact: 'address', address: each.address, holds: counts, counts: counts === true, reason };
  });
}

/** Which addresses are claimed elsewhere: by whom is never told (docs/api.md, "Privacy"). */
export function disputeFacts(
  { filesystem: { scope } }: ExplainedAccess,
  { entitled, disputed }: ExplainedAddresses,
): readonly ExplainedFact[] {
  if (!entitled)
    return [
      { fact: 'dispute', holds: null, reason: 'Nothing of it is to be let in: other claims make no difference.' },
    ];
  if (disputed.length > 0)
    return disputed.map((address) => ({ fact: 'dispute', address, holds: false, reason: DISPUTED }));
  const reason = scope === 'global' ? 'Whoever claims an address is entitled.' : 'None of its addresses is in dispute.';
  return [{ fact: 'dispute', holds: true, reason }];
}

/** Of each address that counts, or that the backend may still let in, whether it does. */
export function backendFacts(access: ExplainedAccess, addresses: ExplainedAddresses): readonly ExplainedFact[] {
  const concerned = [...new Set([...addresses.counting, ...access.entries.keys()])].toSorted(compareAddresses);
  return concerned.map((address) => backendFact(access, addresses, address));
}

function backendFact(
  { entries, faults }: ExplainedAccess,
  { counting, entitled, disputed }: ExplainedAddresses,
  address: string,
): ExplainedFact {
  const isWanted = entitled && counting.includes(address) && !disputed.includes(address);
  const since = entries.get(address);
  if (since)
    return {
      fact: 'backend',
      address,
      holds: true,
      reason: isWanted
        ? 'The backend lets it in.'
        : 'The backend may still let it in, until it has confirmed that it does not.',
      since,
    };
  if (!isWanted) return { fact: 'backend', address, holds: false, reason: 'The backend does not let it in.' };
  const fault = faults.get(address);
  // what a dispute or a limit has left, which is over, is no refusal
  if (!fault || fault.message === DISPUTED || fault.message === SURPLUS)
    return { fact: 'backend', address, holds: false, reason: 'The backend does not let it in yet.' };
  return {
    fact: 'backend',
    address,
    holds: false,
    reason: `The backend refuses it: ${fault.message}`,
    since: fault.created,
  };
}
