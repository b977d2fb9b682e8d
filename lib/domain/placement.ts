import { Conflict, Unavailable } from './errors';
import type { Scope } from './filesystem';

/** Which backends new filesystems go to (docs/filers.md, "Placement"). */
export interface PlacementRule {
  /** Null: every scope. */
  readonly scope: Scope | null;
  /** Those that these projects own; null: everybody's. */
  readonly projects: readonly string[] | null;
  /** Names, at least one. */
  readonly backends: readonly string[];
  /** Each volume must be a file system of its own. */
  readonly isolates: boolean;
}

/** What is known of a backend when a filesystem is made. */
export interface Candidate {
  readonly name: string;
  /** Whether each of its volumes is a file system of its own; null: no process has ever told. */
  readonly isolates: boolean | null;
  /** A process serves it now, and can work on it. */
  readonly isUp: boolean;
  /** What is free and not promised to filesystems that are there, in bytes: below 0 where more is promised than there is. Null: not known. */
  readonly roomBytes: bigint | null;
}

/** What decides about a filesystem's place. */
export interface Placed {
  readonly scope: Scope;
  readonly owner: string;
}

/** What a candidate is of which nothing is known. */
const unknown = (name: string): Candidate => ({ name, isolates: null, isUp: false, roomBytes: null });

/**
 * Checks rules when a process starts, as far as it can know.
 * @param isolates of the backends of the configuration: null where this process does not know
 * @throws Error naming the rule, counted from 1
 */
export function checkPlacement(rules: readonly PlacementRule[], isolates: ReadonlyMap<string, boolean | null>): void {
  for (const [index, rule] of rules.entries()) {
    const wrong = (why: string) => new Error(`Placement rule ${index + 1} is wrong: ${why}.`);
    const stranger = rule.backends.find((name) => !isolates.has(name));
    if (stranger !== undefined) throw wrong(`there is no backend named "${stranger}"`);
    if (rule.isolates && rule.backends.every((name) => isolates.get(name) === false))
      throw wrong(
        `it demands "isolation": "file-system", and no volumes of ${rule.backends.join(', ')} have a file system of their own`,
      );
    if (isForAll(rule) && index < rules.length - 1) throw wrong('no rule behind it is ever reached');
  }
  if (rules.length > 0 && !rules.some(isForAll))
    throw new Error(
      'A placement rule for all others is missing: write one with a backend alone, without scope and project, as the last.',
    );
}

function isForAll({ scope, projects }: PlacementRule): boolean {
  return scope === null && projects === null;
}

/** The first rule that fits. @throws Error when none does: `checkPlacement` sees to that */
export function ruleFor(rules: readonly PlacementRule[], { scope, owner }: Placed): PlacementRule {
  const found = rules.find(
    (rule) =>
      (rule.scope === null || rule.scope === scope) && (rule.projects === null || rule.projects.includes(owner)),
  );
  if (!found) throw new Error('no placement rule fits');
  return found;
}

/**
 * The backend of a new filesystem: of those that the rule names, and that isolate where it demands so, one that is up before
 * one that is not; of these the one with most room, those of unknown room last; of equal ones the first that the rule names.
 * @param candidates what is known of the rule's backends; of one that is not among them nothing is
 * @throws Unavailable when those that may isolate have never told, Conflict when none does
 */
export function place({ backends, isolates }: PlacementRule, candidates: readonly Candidate[]): string {
  const named = backends.map((name) => candidates.find((each) => each.name === name) ?? unknown(name));
  const fit = isolates ? named.filter((each) => each.isolates) : named;
  const [best] = fit.toSorted(
    (one, other) => Number(other.isUp) - Number(one.isUp) || compareRoom(other.roomBytes, one.roomBytes),
  );
  if (best) return best.name;
  if (named.some((each) => each.isolates === null))
    throw new Unavailable(
      'No storage backend that may keep this filesystem apart from others has been started yet; try again later.',
    );
  throw new Conflict(
    'Filesystems of this scope and project must be kept apart from others, and no storage backend that they may go to does that: only an operator can change it.',
  );
}

/**
 * A filesystem stays where it is when its scope changes; where the rule of the new one demands isolation its backend must have it.
 * @param backend null: nothing is known of it
 * @throws Conflict
 */
export function requireIsolation({ isolates }: PlacementRule, backend: Candidate | null): void {
  if (isolates && backend?.isolates !== true)
    throw new Conflict(
      'Filesystems of that scope must be kept apart from others, and this one is on a storage backend that does not do that: make a new one of that scope instead.',
    );
}

/** Unknown is less than any. */
function compareRoom(one: bigint | null, other: bigint | null): number {
  if (one === null || other === null) return Number(one !== null) - Number(other !== null);
  return one < other ? -1 : Number(one > other);
}
