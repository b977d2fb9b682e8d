import type { AddressBlock } from '../../domain/address-cover';
import { fieldOf, isJsonObject } from '../../json';
import { type AccessRule, isSettled, readRule } from './access-rule';
import { eachOf, throwAny } from './each-of';
import { type ManilaApi, ManilaRefused, unreadable } from './manila-api';
import { pollUntil } from './poll';
import { idIn, listIn, type Share } from './share';

const NOT_APPLIED = 'Manila could not apply the access rule for it: it is tried again.';

/** What came of asking for rules. */
export interface Allowed {
  /** Block → why Manila does not let it in: nothing of that remains. */
  readonly refused: ReadonlyMap<AddressBlock, string>;
  /** What failed besides: whether such a rule is there, Manila has to be asked. */
  readonly errors: readonly unknown[];
}

/** The access rules of shares. What is asked for is waited for: Manila accepts it, and does it later. */
export class AccessRules {
  constructor(private readonly api: ManilaApi) {}

  /** All that a share has, of every type. */
  async list({ id }: Share, signal: AbortSignal): Promise<readonly AccessRule[]> {
    const { body } = await this.api.ask({ method: 'GET', path: `/share-access-rules?share_id=${id}` }, signal);
    return listIn(body, 'access_list').map(readRule);
  }

  /**
   * Lets these in, and waits until the rules are active. One failure makes an error of all rules that Manila works on
   * together, so those are tried again in halves: what is refused is refused alone.
   */
  async allow(share: Share, blocks: readonly AddressBlock[], signal: AbortSignal): Promise<Allowed> {
    const refused = new Map<AddressBlock, string>();
    const sent = new Map<string, AddressBlock>();
    const send = async (block: AddressBlock) => {
      try {
        sent.set(await this.#allow(share, block, signal), block);
      } catch (error) {
        if (!(error instanceof ManilaRefused) || error.status !== 400) throw error;
        refused.set(block, `Manila refuses an access rule for it: ${error.reason}`);
      }
    };
    const errors = [...(await eachOf(blocks, send, signal))];
    const failed = await this.#failed(share, sent, signal);
    const stuck = await this.#remove(share, failed, signal);
    if (stuck.length > 0) return { refused, errors: [...errors, ...stuck] };
    const again = failed.flatMap(({ id }) => sent.get(id) ?? []);
    const [only] = again;
    if (only !== undefined && blocks.length === 1) return { refused: new Map([[only, NOT_APPLIED]]), errors };
    for (const half of halves(again)) {
      const result = await this.allow(share, half, signal);
      for (const [block, why] of result.refused) refused.set(block, why);
      errors.push(...result.errors);
    }
    return { refused, errors };
  }

  /** Takes rules away, all that can be, and waits until they are gone. @throws Error when one cannot be taken away */
  async remove(share: Share, rules: readonly AccessRule[], signal: AbortSignal): Promise<void> {
    throwAny(await this.#remove(share, rules, signal));
  }

  /** As rules are allowed: what failed together is tried again in halves. @returns why some are still there */
  async #remove(share: Share, rules: readonly AccessRule[], signal: AbortSignal): Promise<readonly unknown[]> {
    const asked = new Set<string>();
    const deny = async ({ id }: AccessRule) => {
      await this.#deny(share, id, signal);
      asked.add(id);
    };
    const errors = [...(await eachOf(rules, deny, signal))];
    const left = await this.#settled(share, asked, signal);
    const [only] = left;
    if (only && rules.length === 1)
      return [
        new Error(`Manila could not take away the access rule for ${only.to} of share ${share.id}: tried again.`),
      ];
    for (const half of halves(left)) errors.push(...(await this.#remove(share, half, signal)));
    return errors;
  }

  /** @returns the rule's id */
  async #allow({ id }: Share, block: AddressBlock, signal: AbortSignal): Promise<string> {
    const rule = { access_type: 'ip', access_to: block, access_level: 'rw' };
    const request = { method: 'POST', path: `/shares/${id}/action`, body: { allow_access: rule } } as const;
    const { body } = await this.api.ask(request, signal);
    const made = isJsonObject(body) ? fieldOf(body, 'access') : undefined;
    if (!isJsonObject(made)) throw unreadable();
    return idIn(made);
  }

  /** One that is not there is no error. */
  async #deny({ id }: Share, ruleId: string, signal: AbortSignal): Promise<void> {
    const body = { deny_access: { access_id: ruleId } };
    await this.api.ask({ method: 'POST', path: `/shares/${id}/action`, body, prepared: [200, 202, 404] }, signal);
  }

  /** Waits until Manila is done with these. @returns those that are not active */
  async #failed(
    share: Share,
    sent: ReadonlyMap<string, AddressBlock>,
    signal: AbortSignal,
  ): Promise<readonly AccessRule[]> {
    const rules = await this.#settled(share, new Set(sent.keys()), signal);
    return rules.filter(({ state }) => state !== 'active');
  }

  /** Waits until Manila is done with the rules of these ids. @returns those that there are */
  async #settled(share: Share, ids: ReadonlySet<string>, signal: AbortSignal): Promise<readonly AccessRule[]> {
    if (ids.size === 0) return [];
    return pollUntil(async () => {
      const rules = (await this.list(share, signal)).filter(({ id }) => ids.has(id));
      return rules.every(isSettled) ? rules : null;
    }, signal);
  }
}

/** None where there is nothing to halve, and one of a single item. */
function halves<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)].filter(({ length }) => length > 0);
}
