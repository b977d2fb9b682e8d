const RANGE = /^\s*([\w.+*-]+)\/([\w.+*-]+)\s*(?:;(.*))?$/;

/** How exactly a range names JSON. */
const EXACTNESS = new Map([
  ['application/json', 3],
  ['application/*', 2],
  ['*/*', 1],
]);

/**
 * Whether an `Accept` header leaves room for JSON: by the range that names it most exactly (RFC 9110 §12.5.1). Parameters
 * but `q` are not looked at; a header in which nothing can be read counts as absent.
 */
export function acceptsJson(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').flatMap((range) => {
    const [, type, subtype, parameters = ''] = RANGE.exec(range) ?? [];
    if (type === undefined || subtype === undefined) return [];
    const weight = /(?:^|;)\s*q\s*=\s*([\d.]+)/i.exec(parameters)?.[1] ?? '1';
    return [{ exactness: EXACTNESS.get(`${type}/${subtype}`.toLowerCase()) ?? 0, isWanted: Number(weight) > 0 }];
  });
  if (ranges.length === 0) return true;
  const best = Math.max(...ranges.map(({ exactness }) => exactness));
  return best > 0 && ranges.some(({ exactness, isWanted }) => exactness === best && isWanted);
}
