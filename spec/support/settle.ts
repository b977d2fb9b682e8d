import type { AccessEntry } from '../../lib/domain/access-difference';
import type { Claim } from '../../lib/ports/work-store';
import { BACKEND, type Stores } from './stores';

const AT_ONCE = { pause: 0, grantPause: 0, retryAfter: null };

type Worker = Pick<Stores, 'work'>;

/** Limits of a claim of filesystems in service, with lists of any length. */
export const upTo = (limit: number) => ({ short: limit, long: limit, purge: 0 });

/** One run of a reconciler whose driver does everything at once, written as the store sees it. */
export async function settle({ work }: Worker, claim: Claim): Promise<boolean> {
  const wanted = await work.wanted(claim);
  if (!wanted) return false;
  const { filesystem, access } = wanted;
  if (filesystem.appliedSize?.bytes !== filesystem.size.bytes && !filesystem.deletionWanted)
    await work.settleVolume(claim, {
      exportLocation: `10.0.0.1:/volumes/${filesystem.id}`,
      protocol: 'NFS',
      size: filesystem.size,
    });
  const settlement = { applied: new Set(access.addresses), refused: new Map(), complete: true };
  if (!filesystem.deletionWanted) return work.settleAccess(claim, wanted, settlement, AT_ONCE);
  await work.settleAccess(claim, wanted, settlement, null);
  return work.settleRetired(claim, 0);
}

/** Works until nothing is due. */
export async function settleAll(stores: Worker): Promise<void> {
  for (;;) {
    const claims = await stores.work.claim(BACKEND, upTo(10));
    if (claims.length === 0) return;
    for (const claim of claims) await settle(stores, claim);
  }
}

/** The one claim that is due. */
export async function claimOne({ work }: Worker): Promise<Claim> {
  const [claim, ...more] = await work.claim(BACKEND, upTo(10));
  if (!claim || more.length > 0)
    throw new Error(`expected one filesystem to be due, found ${claim ? 1 + more.length : 0}`);
  return claim;
}

/** What a filesystem's list should be, and what it was last confirmed to be. */
export interface Access {
  readonly revision: bigint;
  /** Sorted lines `address instance`. */
  readonly wanted: readonly string[];
  readonly addresses: readonly string[];
  readonly disputed: readonly string[];
  /** Sorted lines `address instance`. */
  readonly confirmed: readonly string[];
  readonly due: boolean;
}

/** Reads it in one snapshot, whoever works on it. @throws Error when there is no such filesystem */
export async function accessOf(stores: Pick<Stores, 'database' | 'work'>, filesystemId: string): Promise<Access> {
  const found = await findAccess(stores, filesystemId);
  if (!found) throw new Error('no such filesystem');
  return found;
}

/** As `accessOf`; null when there is no such filesystem, or not any more. */
export async function findAccess(
  { database, work }: Pick<Stores, 'database' | 'work'>,
  filesystemId: string,
): Promise<Access | null> {
  for (;;) {
    const [row] = await database.query<{ lease_token: string; due: boolean }>(
      'select lease_token, next_attempt is not null as due from filesystems where id = $1',
      [filesystemId],
    );
    if (!row) return null;
    const leaseToken = BigInt(row.lease_token);
    const wanted = await work.wanted({ filesystemId, backend: BACKEND.name, kind: 'short', leaseToken, failures: 0 });
    // null: it was claimed or settled in between
    if (wanted)
      return {
        revision: wanted.access.revision,
        wanted: lines(wanted.claims),
        addresses: wanted.access.addresses,
        disputed: wanted.disputed,
        confirmed: lines(wanted.entries),
        due: row.due,
      };
  }
}

function lines(entries: readonly AccessEntry[]): readonly string[] {
  return entries.map(({ address, instanceId }) => `${address} ${instanceId}`).toSorted();
}
