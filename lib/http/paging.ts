/** A page of a list. */
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  /** Empty when nothing follows. */
  readonly links: readonly { readonly rel: 'next'; readonly href: string }[];
}

/** How many entries a page has: 0 and what is above the largest mean the largest. */
export function pageLimit(asked: string | undefined, largest: number): number {
  const limit = Number(asked ?? 0);
  return limit === 0 || limit > largest ? largest : limit;
}

/**
 * Cuts what was read to a page.
 * @param rows one more than the page has, when there are so many
 * @param markerOf where the next page begins behind
 * @param self the path asked; `query` what stood behind it, which the link keeps
 */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  markerOf: (row: Row) => string,
  self: string,
  query: Readonly<Record<string, string>>,
): Page<Row> {
  const entries = rows.slice(0, limit);
  const last = entries.at(-1);
  if (rows.length <= limit || last === undefined) return { entries, links: [] };
  const next = new URLSearchParams({ ...query, marker: markerOf(last) });
  return { entries, links: [{ rel: 'next', href: `${self}?${next.toString()}` }] };
}
