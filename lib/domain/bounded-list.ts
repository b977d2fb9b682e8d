/** A list of which as much is let in as a backend holds. */
export interface BoundedList {
  /** In the order of the list. */
  readonly taken: readonly string[];
  readonly left: readonly string[];
}

/**
 * Chooses whom a backend lets in whose lists are bounded: those that it lets in now stay, then come those that wait, the
 * longest waiting first, then the others in their order. Whoever goes is not in the list, so withdrawing always fits.
 * @param fits whether the backend can hold these; true of none, and the more there are the less
 */
export function boundedList(
  addresses: readonly string[],
  present: readonly string[],
  waiting: readonly string[],
  fits: (addresses: readonly string[]) => boolean,
): BoundedList {
  if (fits(addresses)) return { taken: addresses, left: [] };
  const wanted = new Set(addresses);
  const inTurn = [...new Set([...present, ...waiting, ...addresses])].filter((each) => wanted.has(each));
  let [most, tooMany] = [0, inTurn.length];
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (fits(inTurn.slice(0, middle))) most = middle;
    else tooMany = middle;
  }
  const taken = new Set(inTurn.slice(0, most));
  return {
    taken: addresses.filter((each) => taken.has(each)),
    left: addresses.filter((each) => !taken.has(each)),
  };
}
