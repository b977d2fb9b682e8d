/** What a listing of all instances has found. */
export interface ListingFound {
  /** Instances that Compute listed. */
  readonly instances: number;
  /** Whether every row said something: false when a cell is down. */
  readonly complete: boolean;
  /** Live instances of the directory that were not listed. */
  readonly missing: number;
  /** All live instances of the directory. */
  readonly live: number;
}

/** What follows for those that are missing. `withdraw`: they are gone. Else nothing follows, and Compute is asked about each. */
export type ResyncVerdict =
  | { readonly kind: 'withdraw' }
  | { readonly kind: 'incomplete' | 'braked'; readonly message: string };

/** So few may always be withdrawn, however small the cloud. */
const ALWAYS = 10;

/**
 * Whether what a listing did not have is gone: a resync never cuts off the cloud (docs/architecture.md, "The instance
 * directory").
 * @param largestShare of the live instances that one resync may end, 0 to 1
 */
export function resyncVerdict(
  { instances, complete, missing, live }: ListingFound,
  largestShare: number,
): ResyncVerdict {
  if (missing === 0) return { kind: 'withdraw' };
  if (instances === 0) return { kind: 'incomplete', message: 'Compute listed no instance at all.' };
  if (!complete)
    return { kind: 'incomplete', message: 'Compute could not tell of every instance: a cell may be down.' };
  if (missing <= Math.max(ALWAYS, Math.floor(live * largestShare))) return { kind: 'withdraw' };
  return {
    kind: 'braked',
    message: `${missing} of ${live} live instances are not on Compute's list, more than may be withdrawn at once.`,
  };
}
