import type { Filesystem } from '../domain/filesystem';
import { type Placed, type PlacementRule, place, requireIsolation, ruleFor } from '../domain/placement';
import type { FilesystemTransaction } from '../ports/filesystem-store';

/**
 * Where a new filesystem goes (docs/filers.md, "Placement"); undefined: no rule says it.
 * @throws Unavailable, Conflict when no backend of its rule can take it
 */
export async function backendFor(
  rules: readonly PlacementRule[],
  tx: Pick<FilesystemTransaction, 'candidates'>,
  placed: Placed,
): Promise<string | undefined> {
  if (rules.length === 0) return undefined;
  const rule = ruleFor(rules, placed);
  const [first, ...more] = rule.backends;
  // nothing is to be asked
  if (more.length === 0 && !rule.isolates) return first;
  return place(rule, await tx.candidates(rule.backends));
}

/**
 * Whether a filesystem may have another scope where it is: its data is never moved.
 * @throws Conflict
 */
export async function requirePlace(
  rules: readonly PlacementRule[],
  tx: Pick<FilesystemTransaction, 'candidates'>,
  { scope, backend }: Pick<Filesystem, 'scope' | 'backend'>,
  wanted: Placed,
): Promise<void> {
  if (rules.length === 0 || scope === wanted.scope) return;
  const rule = ruleFor(rules, wanted);
  if (!rule.isolates) return;
  const [candidate] = await tx.candidates([backend]);
  requireIsolation(rule, candidate ?? null);
}
