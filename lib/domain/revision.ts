/** The largest revision that there is: what 18 digits hold. The database has no larger one (migration 0009). */
export const LARGEST_REVISION = 10n ** 18n - 1n;

/**
 * The largest that is believed of a storage: a million changes a second for thirty years. From there to the largest one every
 * change still finds its number.
 */
export const LARGEST_FOUND_REVISION = 10n ** 15n;

/** Reads a revision that stands in a storage. @returns null when it is none */
export function parseRevision(text: string): bigint | null {
  return /^\d{1,18}$/.test(text) ? BigInt(text) : null;
}

/** Whether a database may go above a revision that was found in a storage. */
export function isCredibleRevision(found: bigint): boolean {
  return found >= 0n && found <= LARGEST_FOUND_REVISION;
}
