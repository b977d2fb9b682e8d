import { parseAddress } from '../../domain/address';
import { type AddressBlock, singleAddresses } from '../../domain/address-cover';
import { type AccessList, type AccessResult, type Volume, VolumeLost } from '../../ports/driver';
import { type AccessRule, isInForce, isSound, letIn } from './access-rule';
import type { AccessRules, Allowed } from './access-rules';
import { throwAny } from './each-of';
import { forAtMost } from './poll';
import { planRules } from './rule-plan';
import { type Share, serviceState } from './share';
import { ADMINISTRATOR, type Shares } from './shares';

const NOBODY: ReadonlyMap<string, string> = new Map();
const NOT_APPLIED_YET = 'Manila has not applied the access rule for it yet: it is looked at again.';
const NOTHING: Allowed = { refused: new Map(), errors: [] };

/** Access lists as rules of shares. One call for a share at a time. */
export class AccessLists {
  /**
   * @param maxRules so many a share at most
   * @param bridgeMilliseconds so long does a withdrawal wait for the rules of those who stay
   */
  constructor(
    private readonly shares: Shares,
    private readonly rules: AccessRules,
    private readonly maxRules: number,
    private readonly bridgeMilliseconds: number,
  ) {}

  /** As the driver's `syncAccess`. */
  async sync({ id }: Volume, list: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    const found = await this.shares.find(id, signal);
    const share = found && (await this.shares.settled(found, signal));
    const isServed = share !== null && serviceState(share) === 'in-service';
    const refused = share === null ? NOBODY : await this.#hold(share, list, mayGrant && isServed, signal);
    if (mayGrant && !isServed) throw new VolumeLost();
    return { refused };
  }

  /** Who is let in now, as the driver's `readAccess`. */
  async read({ id }: Volume, signal: AbortSignal): Promise<readonly string[]> {
    const share = await this.shares.find(id, signal);
    return share === null ? [] : letIn(await this.rules.list(share, signal));
  }

  /** Ends all access, of whatever type. */
  async end(share: Share, signal: AbortSignal): Promise<void> {
    await this.rules.remove(share, await this.rules.list(share, signal), signal);
  }

  /** Until nobody late has written in between. */
  async #hold(
    share: Share,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    if (share.status === 'error')
      throw new Error(`Manila changes no access rules of the share ${share.id}: it is in error. ${ADMINISTRATOR}`);
    await this.shares.hold(share, list.revision, signal);
    for (;;) {
      const refused = await this.#bring(share, list, mayGrant, signal);
      if (await this.shares.hold(share, list.revision, signal)) return refused;
    }
  }

  /** What fails here holds up nothing: it is thrown at the end, but for a rule that cannot be taken away. */
  async #bring(
    share: Share,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const known = list.addresses.filter((each) => parseAddress(each) === each);
    const present = await this.#ofAddresses(share, signal);
    const plan = planRules(present, { ...list, addresses: known }, mayGrant, this.maxRules);
    const early = await this.#bridge(share, plan.before, signal);
    if (plan.before.length > 0) await this.shares.hold(share, list.revision, signal);
    await this.rules.remove(share, plan.remove, signal);
    if (plan.remove.length > 0) await this.shares.hold(share, list.revision, signal);
    const isBridged = early.refused.size + early.errors.length === 0;
    // such as one that a rule stood in the way of, which is gone now
    const add = isBridged ? plan.add : missing(await this.#ofAddresses(share, signal), plan.wanted);
    const late = await this.rules.allow(share, add, signal);
    const now = await this.#ofAddresses(share, signal);
    await this.rules.remove(share, superfluous(now, plan.wanted), signal);
    throwAny([...early.errors, ...late.errors]);
    return mayGrant ? refusals(list, now, late.refused, plan.left, this.maxRules) : NOBODY;
  }

  /** Whoever goes does not wait longer for the others' rules, nor for those that fail. */
  async #bridge(share: Share, blocks: readonly AddressBlock[], signal: AbortSignal): Promise<Allowed> {
    if (blocks.length === 0) return NOTHING;
    const late = () =>
      new Error(`Manila has not applied ${blocks.length} access rules for who stays of share ${share.id} in time.`);
    try {
      return await forAtMost(
        this.bridgeMilliseconds,
        late,
        (within) => this.rules.allow(share, blocks, within),
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      return { refused: new Map(), errors: [error] };
    }
  }

  async #ofAddresses(share: Share, signal: AbortSignal): Promise<readonly AccessRule[]> {
    return (await this.rules.list(share, signal)).filter(({ type }) => type === 'ip');
  }
}

/** The wanted ones that are neither there nor on their way. */
function missing(rules: readonly AccessRule[], wanted: readonly AddressBlock[]): readonly AddressBlock[] {
  const standing = new Set(rules.filter(isSound).map(({ block }) => block));
  return wanted.filter((block) => !standing.has(block));
}

/** Those that nobody needs: what they let in, the wanted ones do. */
function superfluous(rules: readonly AccessRule[], wanted: readonly AddressBlock[]): readonly AccessRule[] {
  const last = new Set(wanted);
  const isWanted = (rule: AccessRule) => isSound(rule) && rule.block !== null && last.has(rule.block);
  const served = new Set(
    rules.filter((rule) => isWanted(rule) && isInForce(rule)).flatMap(({ addresses }) => addresses),
  );
  const may = new Set(singleAddresses(wanted).addresses);
  const isNeeded = (rule: AccessRule) =>
    isSound(rule) && rule.addresses.every((each) => may.has(each)) && rule.addresses.some((each) => !served.has(each));
  return rules.filter((rule) => !isWanted(rule) && !isNeeded(rule));
}

/** Of the list, whoever is not let in, and why. */
function refusals(
  { addresses }: AccessList,
  rules: readonly AccessRule[],
  failed: ReadonlyMap<AddressBlock, string>,
  left: readonly string[],
  maxRules: number,
): ReadonlyMap<string, string> {
  const served = new Set(rules.filter(isInForce).flatMap((rule) => rule.addresses));
  const coming = new Set(rules.filter(isSound).flatMap((rule) => rule.addresses));
  const without = new Set(left);
  const reasons = new Map(
    [...failed].flatMap(([block, why]) => singleAddresses([block]).addresses.map((each) => [each, why] as const)),
  );
  return new Map(
    addresses
      .filter((each) => !served.has(each))
      .map((each) => {
        if (parseAddress(each) !== each) return [each, 'It is no IPv4 or IPv6 address.'] as const;
        const full = `There is no room for it: a share has at most ${maxRules} access rules.`;
        if (without.has(each)) return [each, full] as const;
        const none = coming.has(each) ? NOT_APPLIED_YET : 'Manila has no access rule for it.';
        return [each, reasons.get(each) ?? none] as const;
      }),
  );
}
