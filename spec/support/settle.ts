import type { Claim } from '../../lib/ports/store';
import { BACKEND, type Stores } from './stores';

const AT_ONCE = { pause: 0, grantPause: 0, retryAfter: null };

type Worker = Pick<Stores, 'work'>;

/** One run of a reconciler whose driver does everything at once, written as the store sees it. */
export async function settle({ work }: Worker, claim: Claim): Promise<boolean> {
  const wanted = await work.wanted(claim);
  if (!wanted) return false;
  const { filesystem, access } = wanted;
  if (filesystem.appliedSize?.bytes !== filesystem.size.bytes && !filesystem.deletionWanted)
    await work.settleVolume(claim, { exportLocation: `10.0.0.1:/volumes/${filesystem.id}`, size: filesystem.size });
  const settlement = { applied: new Set(access.addresses), refused: new Map(), complete: true };
  if (!filesystem.deletionWanted) return work.settleAccess(claim, wanted, settlement, AT_ONCE);
  await work.settleAccess(claim, wanted, settlement, null);
  return work.settleRetired(claim, 0);
}

/** Works until nothing is due. */
export async function settleAll(stores: Worker): Promise<void> {
  for (;;) {
    const claims = await stores.work.claim('service', [BACKEND], 10);
    if (claims.length === 0) return;
    for (const claim of claims) await settle(stores, claim);
  }
}

/** The one claim that is due. */
export async function claimOne({ work }: Worker): Promise<Claim> {
  const [claim, ...more] = await work.claim('service', [BACKEND], 10);
  if (!claim || more.length > 0)
    throw new Error(`expected one filesystem to be due, found ${claim ? 1 + more.length : 0}`);
  return claim;
}

/** What a filesystem's list should be now, and what it was last confirmed to be, as sorted lines `address instance`. */
export async function accessOf(
  { database, work }: Pick<Stores, 'database' | 'work'>,
  filesystemId: string,
): Promise<{
  wanted: readonly string[];
  addresses: readonly string[];
  disputed: readonly string[];
  confirmed: readonly string[];
  due: boolean;
}> {
  const [row] = await database.query<{ lease_token: string; due: boolean }>(
    'select lease_token, next_attempt is not null as due from filesystems where id = $1',
    [filesystemId],
  );
  const wanted =
    row &&
    (await work.wanted({ filesystemId, backend: BACKEND.name, leaseToken: BigInt(row.lease_token), failures: 0 }));
  if (!wanted) throw new Error('no such filesystem');
  const lines = (entries: typeof wanted.claims) =>
    entries.map(({ address, instanceId }) => `${address} ${instanceId}`).sort();
  return {
    wanted: lines(wanted.claims),
    addresses: wanted.access.addresses,
    disputed: wanted.disputed,
    confirmed: lines(wanted.entries),
    due: row.due,
  };
}
