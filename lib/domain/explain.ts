import { type CountingRule, compareAddresses, countingAddresses } from './address';
import { isEntitled } from './entitlement';
import { addressesFact, addressFacts, backendFacts, disputeFacts, type ExplainedAddresses } from './explain-addresses';
import { deletionFact, errorFact, nextAttemptFact, revisionFact } from './explain-backend';
import { knownFact, projectFact, questionFact, scopeFact, stateFact } from './explain-instance';
import type { ExplainedAccess, Explanation } from './explanation';

/**
 * The chain of facts from an instance to a filesystem, in order, each with its yes or no and its reason (docs/api.md,
 * "Explain"). The rules are those by which lists are made: `isInScope`, `counts`, `countingAddresses`.
 */
export function explain(access: ExplainedAccess, rule: CountingRule): Explanation {
  const addresses = judge(access, rule);
  return {
    letIn: access.entries.size > 0,
    facts: [
      knownFact(access),
      projectFact(access),
      questionFact(access),
      scopeFact(access),
      stateFact(access),
      addressesFact(access, addresses),
      ...addressFacts(addresses, rule),
      ...disputeFacts(access, addresses),
      ...backendFacts(access, addresses),
      revisionFact(access),
      errorFact(access),
      nextAttemptFact(access),
      deletionFact(access),
    ],
  };
}

/** Which of the instance's addresses count, and which of them should be let in. */
function judge(
  { filesystem, instance, connected, disputed, entries }: ExplainedAccess,
  rule: CountingRule,
): ExplainedAddresses {
  const connectedIds = new Set(instance && connected ? [instance.id] : []);
  const entitled = instance !== null && !filesystem.deletionWanted && isEntitled(filesystem, instance, connectedIds);
  const all = (instance?.addresses?.value ?? []).toSorted((one, other) => compareAddresses(one.address, other.address));
  const { counting, surplus } = countingAddresses(rule, all, (address) => entitled && entries.has(address));
  return {
    all,
    surplus,
    counting: counting.map(({ address }) => address),
    entitled,
    disputed: entitled ? counting.map(({ address }) => address).filter((address) => disputed.has(address)) : [],
  };
}
