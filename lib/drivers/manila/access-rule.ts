import { type AddressBlock, coverExactly, singleAddresses } from '../../domain/address-cover';
import { fieldOf, isJsonObject } from '../../json';
import { unreadable } from './manila-api';
import { idIn, textIn } from './share';

/** An access rule of a share, as Manila tells of it. */
export interface AccessRule {
  readonly id: string;
  /** `ip`, `user`, `cert`, `cephx`. */
  readonly type: string;
  /** Whom it is for, as it was written. */
  readonly to: string;
  /** `rw`, `ro`. */
  readonly level: string;
  /** Manila's: `active`, `error`, and what is between. */
  readonly state: string;
  /** As we would write it, canonical; null: it is none of ours, such as a name or a block too large to be taken apart. */
  readonly block: AddressBlock | null;
  /** Whom it is for, one by one; empty where `block` is null. */
  readonly addresses: readonly string[];
}

/** On their way to be in force, or there. */
const GRANTING: ReadonlySet<string> = new Set(['active', 'applying', 'queued_to_apply', 'new']);
const GOING: ReadonlySet<string> = new Set(['denying', 'queued_to_deny']);

/** Whether it lets in exactly whom it says, as our own do. */
export function isSound({ type, level, state, block }: AccessRule): boolean {
  return type === 'ip' && level === 'rw' && GRANTING.has(state) && block !== null;
}

/** Whether it does so already. */
export function isInForce(rule: AccessRule): boolean {
  return isSound(rule) && rule.state === 'active';
}

/** Whether nothing is to be waited for. */
export function isSettled({ state }: AccessRule): boolean {
  return state === 'active' || state === 'error';
}

/** Whom these rules let in now: single addresses sorted as an access list is, then what is none of ours, in words. */
export function letIn(rules: readonly AccessRule[]): readonly string[] {
  const plain = rules.filter(
    (rule) => isSound(rule) || (rule.block !== null && GOING.has(rule.state) && rule.level === 'rw'),
  );
  const others = rules.filter((rule) => !plain.includes(rule));
  const { addresses } = singleAddresses(plain.flatMap(({ block }) => block ?? []));
  return [...addresses, ...others.map(described).toSorted()];
}

/** @throws Error when it is no access rule */
export function readRule(value: unknown): AccessRule {
  const object = isJsonObject(value) ? value : {};
  const [type, to] = [textIn(object, 'access_type'), textIn(object, 'access_to')];
  const [level, state] = ['access_level', 'state'].map((name) => fieldOf(object, name) ?? '');
  if (typeof level !== 'string' || typeof state !== 'string') throw unreadable();
  const { addresses } = type === 'ip' ? singleAddresses([to]) : { addresses: [] };
  const [block = null] = coverExactly(addresses);
  return { id: idIn(object), type, to, level, state, block, addresses };
}

/** `user alice`, `ip 10.0.0.1 ro`, `ip 10.0.0.1 in error`: never an address alone. */
function described({ type, to, level, state }: AccessRule): string {
  return `${type} ${to}${level === 'rw' ? '' : ` ${level}`}${state === 'error' ? ' in error' : ''}`;
}
