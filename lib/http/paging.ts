import type { Call } from './call';

/** How many entries a page has: 0 and what is above the largest mean the largest. */
export function pageLimit(asked: string | undefined, largest: number): number {
  const limit = Number(asked ?? 0);
  return limit === 0 || limit > largest ? largest : limit;
}

/**
 * The body of a page of a list: its entries, and where something follows the link to the next page.
 * @param name of the list, `fs_entries`
 * @param rows one more than the page has, when there are so many
 * @param markerOf where the next page begins behind
 * @param call what was asked, whose query the link keeps
 */
export function pageBody<Row>(
  name: string,
  rows: readonly Row[],
  limit: number,
  markerOf: (row: Row) => string,
  view: (row: Row) => object,
  { self, query }: Pick<Call, 'self' | 'query'>,
): object {
  const page = rows.slice(0, limit);
  const entries = page.map((row) => view(row));
  const last = page.at(-1);
  if (rows.length <= limit || last === undefined) return { [name]: entries };
  const next = new URLSearchParams({ ...query, marker: markerOf(last) });
  return { [name]: entries, [`${name}_links`]: [{ rel: 'next', href: `${self}?${next.toString()}` }] };
}
