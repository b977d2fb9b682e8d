import { setTimeout as wait } from 'node:timers/promises';

const POLL_MILLISECONDS = 20;

/**
 * Waits until nothing is left to wait for.
 * @param left tells what differs from what is waited for; null: nothing
 * @returns after how long, milliseconds
 * @throws Error when the time is up, with what differs then
 */
export async function eventually(
  left: () => string | null | Promise<string | null>,
  milliseconds = 15_000,
): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const differs = await left();
    const passed = performance.now() - begun;
    if (differs === null) return passed;
    if (passed > milliseconds) throw new Error(`not within ${milliseconds} ms: ${differs}`);
    await wait(POLL_MILLISECONDS);
  }
}

/** What differs between two sets, in a line; null: nothing does. */
export function differenceOf(found: Iterable<string>, wanted: Iterable<string>): string | null {
  const there = new Set(found);
  const right = new Set(wanted);
  const missing = [...right].filter((each) => !there.has(each));
  const surplus = [...there].filter((each) => !right.has(each));
  if (missing.length === 0 && surplus.length === 0) return null;
  return `${missing.length} missing (${some(missing)}), ${surplus.length} too many (${some(surplus)})`;
}

function some(list: readonly string[]): string {
  return list.length > 3 ? `${list.slice(0, 3).join(', ')}, …` : list.join(', ');
}
