import { type AccessList, type AccessResult, NewerRevision } from '../../ports/driver';
import { type Allowed, fitting, renderAllow, TOO_LONG } from './auth-allow';
import { isNone, type Left, leftBefore, renderLeft } from './left';
import { allowedBy, type GlusterVolume, OPTION, revisionOf } from './volume-info';

/** A new access list, and what it comes to. */
export interface AccessChange {
  /** Set in one step: bricks and other processes meet list and revision together. */
  readonly options: ReadonlyMap<string, string>;
  /** Whom it does not let in any more, now or by a change before it that may not have been confirmed. */
  readonly left: Left;
  /** Whom it lets in. */
  readonly taken: readonly string[];
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
      ...(isNone(left) ? [] : [[OPTION.left, renderLeft(left)] as const]),
    ]),
    left,
    taken,
    result: { refused: new Map(refused.map((each) => [each, TOO_LONG])) },
  };
}

function isAllowed(address: string, { isEverybody }: Allowed, present: ReadonlySet<string>): boolean {
  return isEverybody || present.has(address);
}

/** Where it let in everybody, names or patterns nobody knows whom. */
function leftBy(volume: GlusterVolume, { addresses, foreign }: Allowed, taken: readonly string[]): Left {
  const before = leftBefore(volume);
  if (before === 'many' || foreign.length > 0) return 'many';
  const stays = new Set(taken);
  return [...new Set([...addresses, ...before])].filter((each) => !stays.has(each));
}
