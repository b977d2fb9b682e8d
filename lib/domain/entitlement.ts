import { type CountingRule, compareAddresses, countingAddresses } from './address';
import type { Filesystem } from './filesystem';
import type { KnownInstance } from './instance';

/** Why an address is not in the list although an instance that has it is entitled. */
export const DISPUTED = 'The address is also claimed elsewhere.';

/** Why an address is not in the list although it is of a network that counts. */
export const SURPLUS = 'The instance has more addresses than count: those above the limit are left out.';

/** Who is let in, and who would be, did nobody else claim the same address. */
export interface Entitlement {
  /** The access list: canonical, sorted as numbers, each once. */
  readonly addresses: readonly string[];
  /** Addresses of entitled instances that another live instance claims which is not entitled, or whose claims are doubted: kept out. */
  readonly disputed: readonly string[];
  /** Addresses of entitled instances above what counts of one instance, which are in neither of the others. */
  readonly surplus: readonly string[];
}

/** What holds of an instance's address. */
type OfAddress = (instanceId: string, address: string) => boolean;

/** One live instance's claim of an address. */
interface Claim {
  readonly entitled: boolean;
  readonly doubted: boolean;
}

/** Whether an instance may mount a filesystem: the rule of the scopes, in words (docs/api.md, "Scope"). */
export function isEntitled(
  filesystem: Pick<Filesystem, 'scope' | 'project'>,
  instance: KnownInstance,
  connectedInstanceIds: ReadonlySet<string>,
): boolean {
  return instance.state?.value === 'live' && isInScope(filesystem, instance, connectedInstanceIds);
}

/** Whether the scope takes an instance in, whatever its state. */
export function isInScope(
  { scope, project }: Pick<Filesystem, 'scope' | 'project'>,
  instance: Pick<KnownInstance, 'id' | 'project'>,
  connectedInstanceIds: ReadonlySet<string>,
): boolean {
  switch (scope) {
    case 'global':
      return true;
    case 'project':
      return project !== null && instance.project?.value === project;
    case 'instance':
      return connectedInstanceIds.has(instance.id);
  }
}

/**
 * The access list of a filesystem, in words. The store computes it in SQL (`store/entitlement.ts`), since the directory
 * does not fit through here; a property spec holds the two together.
 * @param isLetIn whether the backend lets an address of an instance in now: it stays while its port's network is not known
 * @param isDoubted whether it is doubted that an address is still its instance's: somebody else has claimed it since
 */
export function entitlement(
  filesystem: Pick<Filesystem, 'scope' | 'project'>,
  instances: readonly KnownInstance[],
  connectedInstanceIds: ReadonlySet<string>,
  rule: CountingRule,
  isLetIn: OfAddress = () => false,
  isDoubted: OfAddress = () => false,
): Entitlement {
  const claimants = new Map<string, Claim[]>();
  const above = new Set<string>();
  for (const instance of instances) {
    if (instance.state?.value !== 'live') continue;
    const entitled = isEntitled(filesystem, instance, connectedInstanceIds);
    const isKept = (address: string) => entitled && isLetIn(instance.id, address);
    const { counting, surplus } = countingAddresses(rule, instance.addresses?.value ?? [], isKept);
    for (const { address } of counting) {
      const claim = { entitled, doubted: isDoubted(instance.id, address) };
      claimants.set(address, [...(claimants.get(address) ?? []), claim]);
    }
    if (entitled) for (const { address } of surplus) above.add(address);
  }
  const claimed = [...claimants].filter(([, claims]) => claims.some(({ entitled }) => entitled));
  const select = (disputed: boolean) =>
    claimed
      .filter(
        ([, claims]) => (claims.some((each) => !each.entitled) || claims.every((each) => each.doubted)) === disputed,
      )
      .map(([address]) => address)
      .toSorted(compareAddresses);
  const claimedAddresses = new Set(claimed.map(([address]) => address));
  return {
    addresses: select(false),
    disputed: select(true),
    surplus: [...above].filter((address) => !claimedAddresses.has(address)).toSorted(compareAddresses),
  };
}
