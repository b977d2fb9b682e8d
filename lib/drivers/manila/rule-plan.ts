import { type AddressBlock, coverExactly, singleAddresses } from '../../domain/address-cover';
import { boundedList } from '../../domain/bounded-list';
import type { AccessList } from '../../ports/driver';
import { type AccessRule, isSound } from './access-rule';

/**
 * How rules become others. Whoever goes is out before anybody comes in, and whoever stays is let in all the time: by rules
 * that are allowed first, beside those that go (Manila refuses only the same one twice).
 */
export interface RulePlan {
  /** The rules that are to stand in the end. */
  readonly wanted: readonly AddressBlock[];
  /** Of the list, whom there is no room for. */
  readonly left: readonly string[];
  /** Allowed first: for addresses that are let in already. */
  readonly before: readonly AddressBlock[];
  /** Gone before anybody else is let in. */
  readonly remove: readonly AccessRule[];
  /** Allowed then. */
  readonly add: readonly AddressBlock[];
}

/**
 * @param rules those of type `ip` that the share has
 * @param mayGrant false: of the list, those that are let in now
 */
export function planRules(
  rules: readonly AccessRule[],
  { addresses, waiting = [] }: AccessList,
  mayGrant: boolean,
  maxRules: number,
): RulePlan {
  const sound = rules.filter(isSound);
  const present = new Set(sound.flatMap((rule) => rule.addresses));
  const asked = mayGrant ? addresses : addresses.filter((each) => present.has(each));
  const fits = (some: readonly string[]) => coverExactly(some).length <= maxRules;
  const { taken, left } = boundedList(asked, [...present], waiting, fits);
  const wanted = coverExactly(taken);

  const may = new Set(taken);
  const isAllowed = (rule: AccessRule) => isSound(rule) && rule.addresses.every((each) => may.has(each));
  const stays = rules.filter(isAllowed);
  const standing = new Set(stays.flatMap(({ block }) => block ?? []));
  const missing = wanted.filter((block) => !standing.has(block));
  // those that have only addresses which are let in now
  const safe = coverOf(missing, present);
  const covered = new Set([...stays.flatMap((rule) => rule.addresses), ...safe.flatMap(({ addresses: each }) => each)]);
  const bridges = coverExactly(taken.filter((each) => present.has(each) && !covered.has(each)));
  const going = rules.filter((rule) => !isAllowed(rule));
  // where nobody goes there is nothing to bridge
  const before =
    going.length === 0
      ? []
      : [...safe.map(({ block }) => block), ...bridges].slice(0, Math.max(0, maxRules - rules.length));
  const added = new Set(before);
  const add = missing.filter((block) => !added.has(block));
  const last = new Set(wanted);
  const superseded = stays.filter(({ block }) => block !== null && !last.has(block));
  // near the limit, what others replace goes first, though its addresses are out for a moment
  const isCrowded = stays.length + before.length + add.length > maxRules;
  return { wanted, left, before, remove: isCrowded ? [...going, ...superseded] : going, add };
}

/** Of the blocks, those whose addresses are all among these. */
function coverOf(
  blocks: readonly AddressBlock[],
  among: ReadonlySet<string>,
): readonly { readonly block: AddressBlock; readonly addresses: readonly string[] }[] {
  return blocks
    .map((block) => ({ block, addresses: singleAddresses([block]).addresses }))
    .filter(({ addresses }) => addresses.every((each) => among.has(each)));
}
