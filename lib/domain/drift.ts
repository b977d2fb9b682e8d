import { isIP } from 'node:net';

/** In what a backend differs from what it was last confirmed to let in. */
export interface AccessDrift {
  /** Let in, and never confirmed. Canonical. */
  readonly extra: readonly string[];
  /** Confirmed, and not let in. Canonical. */
  readonly missing: readonly string[];
  /** Let in too, but no single addresses: names, blocks, `*`, as they stand there. */
  readonly foreign: readonly string[];
}

/** What a difference is counted and logged as. `behind`: the database knows less of the volume than the backend does. */
export type DriftKind = keyof AccessDrift | 'behind';

/**
 * Compares two lists as sets.
 * @param confirmed canonical addresses
 * @param found whatever the backend says: canonical addresses, and words that somebody wrote there
 */
export function accessDrift(confirmed: readonly string[], found: readonly string[]): AccessDrift {
  const [had, has] = [new Set(confirmed), new Set(found)];
  const unknown = [...has].filter((each) => !had.has(each));
  return {
    extra: unknown.filter((each) => isIP(each) !== 0),
    missing: [...had].filter((each) => !has.has(each)),
    foreign: unknown.filter((each) => isIP(each) === 0),
  };
}

/** What two looks one after the other have both found: a list that was being written in between is no drift. */
export function lastingDrift(first: AccessDrift, second: AccessDrift): AccessDrift {
  return {
    extra: both(first.extra, second.extra),
    missing: both(first.missing, second.missing),
    foreign: both(first.foreign, second.foreign),
  };
}

/** Whether there is none. */
export function isInStep({ extra, missing, foreign }: AccessDrift): boolean {
  return extra.length + missing.length + foreign.length === 0;
}

function both(one: readonly string[], other: readonly string[]): readonly string[] {
  const known = new Set(other);
  return one.filter((each) => known.has(each));
}
