import { fieldOf, isJsonObject } from '../../json';
import type { Room } from '../../ports/driver';
import type { ManilaApi } from './manila-api';
import { listIn } from './share';

const GIBIBYTE = 1n << 30n;

/**
 * What the pools of a share type have in all.
 * @returns null when Manila does not tell this user, as it does not tell others than administrators, or does not know
 */
export async function readRoom(api: ManilaApi, shareType: string, signal: AbortSignal): Promise<Room | null> {
  const query = new URLSearchParams({ share_type: shareType });
  const { status, body } = await api.ask(
    { method: 'GET', path: `/scheduler-stats/pools/detail?${query.toString()}`, prepared: [200, 403] },
    signal,
  );
  if (status === 403) return null;
  const pools = listIn(body, 'pools').map((pool) => (isJsonObject(pool) ? fieldOf(pool, 'capabilities') : undefined));
  const totals = pools.map((each) => gibibytes(each, 'total_capacity_gb'));
  const frees = pools.map((each) => gibibytes(each, 'free_capacity_gb'));
  const [totalBytes, freeBytes] = [sum(totals), sum(frees)];
  return totalBytes === null || freeBytes === null ? null : { totalBytes, freeBytes };
}

/** Null: it is none, such as `unknown` and `infinite`. */
function gibibytes(capabilities: unknown, name: string): bigint | null {
  const value = isJsonObject(capabilities) ? fieldOf(capabilities, name) : undefined;
  return typeof value === 'number' && value >= 0 && value < 2 ** 53 ? BigInt(Math.floor(value)) * GIBIBYTE : null;
}

/** Null: one of them is not known, or there is none. */
function sum(sizes: readonly (bigint | null)[]): bigint | null {
  if (sizes.length === 0) return null;
  return sizes.reduce((all, each) => (all === null || each === null ? null : all + each));
}
