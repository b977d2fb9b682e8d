import { parseAddress } from '../../domain/address';
import { type AccessList, type AccessResult, NewerRevision } from '../../ports/driver';
import { type Allowed, fitting, renderAllow, TOO_LONG } from './auth-allow';
import { allowedBy, type GlusterVolume, OPTION, revisionOf } from './volume-info';

/** Of `left`, so many are written down, those first that go now: no option may be longer than a list. */
const MOST_LEFT = 90;

/** A new access list, and what it comes to. */
export interface AccessChange {
  /** Set in one step: bricks and other processes meet list and revision together. */
  readonly options: ReadonlyMap<string, string>;
  /** Whom it does not let in any more, now or by a change before it that may not have been confirmed. */
  readonly left: readonly string[];
  readonly isNobody: boolean;
  readonly result: AccessResult;
}

/**
 * What a volume's list becomes. Where it may not grant, what stands is cut down.
 * @throws NewerRevision
 */
export function accessChange(volume: GlusterVolume, access: AccessList, mayGrant: boolean): AccessChange {
  const stored = revisionOf(volume);
  if (stored > access.revision) throw new NewerRevision(stored);
  const allowed = allowedBy(volume);
  const present = new Set(allowed.addresses);
  const wanted = mayGrant ? access.addresses : access.addresses.filter((each) => isAllowed(each, allowed, present));
  const { taken, left: refused } = fitting(wanted, allowed.addresses, access.waiting ?? []);
  const left = leftBy(volume, allowed, taken);
  return {
    options: new Map([
      [OPTION.allow, renderAllow(taken)],
      [OPTION.revision, String(access.revision)],
      ...(left.length > 0 ? [[OPTION.left, left.slice(0, MOST_LEFT).join(',')] as const] : []),
    ]),
    left,
    isNobody: taken.length === 0,
    result: { refused: new Map(refused.map((each) => [each, TOO_LONG])) },
  };
}

function isAllowed(address: string, { isEverybody }: Allowed, present: ReadonlySet<string>): boolean {
  return isEverybody || present.has(address);
}

function leftBy({ options }: GlusterVolume, { addresses }: Allowed, taken: readonly string[]): readonly string[] {
  const stays = new Set(taken);
  const before = (options.get(OPTION.left) ?? '').split(',').filter((each) => parseAddress(each) !== null);
  return [...new Set([...addresses, ...before])].filter((each) => !stays.has(each));
}
