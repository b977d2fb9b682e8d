import type { AddressBlock } from '../../domain/address-cover';
import { fieldOf, isJsonObject } from '../../json';
import { type AccessRule, isSettled, readRule } from './access-rule';
import { type ManilaApi, ManilaRefused, unreadable } from './manila-api';
import { pollUntil } from './poll';
import { idIn, listIn, type Share } from './share';

/** Requests for one share at once. */
const AT_ONCE = 4;

const NOT_APPLIED = 'Manila could not apply the access rule for it: it is tried again.';

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
   * @returns block → why it is not let in; nothing of it remains
   */
  async allow(
    share: Share,
    blocks: readonly AddressBlock[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<AddressBlock, string>> {
    const refused = new Map<AddressBlock, string>();
    const sent = new Map<string, AddressBlock>();
    await eachOf(blocks, async (block) => {
      try {
        sent.set(await this.#allow(share, block, signal), block);
      } catch (error) {
        if (!(error instanceof ManilaRefused) || error.status !== 400) throw error;
        refused.set(block, `Manila refuses an access rule for it: ${error.reason}`);
      }
    });
    const failed = await this.#failed(share, sent, signal);
    await this.remove(share, failed, signal);
    const again = failed.flatMap(({ id }) => sent.get(id) ?? []);
    const [only] = again;
    if (only !== undefined && blocks.length === 1) return new Map([[only, NOT_APPLIED]]);
    const middle = Math.ceil(again.length / 2);
    for (const half of [again.slice(0, middle), again.slice(middle)])
      if (half.length > 0) for (const [block, why] of await this.allow(share, half, signal)) refused.set(block, why);
    return refused;
  }

  /** Takes rules away, and waits until they are gone. @throws Error when one cannot be taken away */
  async remove(share: Share, rules: readonly AccessRule[], signal: AbortSignal): Promise<void> {
    if (rules.length === 0) return;
    await eachOf(rules, ({ id }) => this.#deny(share, id, signal));
    const ids = new Set(rules.map(({ id }) => id));
    await pollUntil(async () => {
      const left = (await this.list(share, signal)).filter(({ id }) => ids.has(id));
      const stuck = left.find(({ state }) => state === 'error' || state === 'active');
      if (stuck)
        throw new Error(
          `Manila could not take away the access rule for ${stuck.to} of share ${share.id}: tried again.`,
        );
      return left.length === 0 ? true : null;
    }, signal);
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
    if (sent.size === 0) return [];
    return pollUntil(async () => {
      const rules = (await this.list(share, signal)).filter(({ id }) => sent.has(id));
      return rules.every(isSettled) ? rules.filter(({ state }) => state !== 'active') : null;
    }, signal);
  }
}

/** Does it for each, some at once; after a failure no more are begun, and those that were are waited for. */
async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await work(next);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  });
  for (const result of await Promise.allSettled(workers)) if (result.status === 'rejected') throw result.reason;
}
