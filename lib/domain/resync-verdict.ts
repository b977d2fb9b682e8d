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

/** How a listing ended. What it did not have is asked about, whatever the verdict: absence from a list proves nothing. */
export type ResyncVerdict =
  | { readonly kind: 'complete'; readonly message: null }
  | { readonly kind: 'incomplete' | 'braked'; readonly message: string };

/** So few may always be missing, however small the cloud. */
const ALWAYS = 10;

/**
 * Whether what a listing did not have looks like deletions, or like a fault of Compute that an operator should see
 * (docs/decisions/0008-absence-is-a-question.md).
 * @param largestShare of the live instances that may be missing, 0 to 1
 */
export function resyncVerdict(
  { instances, complete, missing, live }: ListingFound,
  largestShare: number,
): ResyncVerdict {
  if (missing === 0 && complete) return { kind: 'complete', message: null };
  if (instances === 0 && missing > 0) return { kind: 'incomplete', message: 'Compute listed no instance at all.' };
  if (missing > Math.max(ALWAYS, Math.floor(live * largestShare)))
    return {
      kind: 'braked',
      message: `${missing} of ${live} live instances are not on Compute's list: it is asked about each before access ends.`,
    };
  if (!complete)
    return { kind: 'incomplete', message: 'Compute could not tell of every instance: a cell may be down.' };
  return { kind: 'complete', message: null };
}
