import type { ToldInstance } from './made-messages';

/** An address, and for how long an instance has held it; times by `performance.now`. */
interface Holding {
  readonly project: string;
  readonly from: number;
  /** When its end was told, whether the message arrived or not. */
  until: number;
}

/** What was seen of one address in one filesystem's list. */
interface Sighting {
  isThere: boolean;
  /** Since when, if it is there. */
  since: number;
  /** The holding by which it was there, and then not any more: it does not come back by it. */
  withdrawn: Holding | null;
}

/** How long after an end that was told a list may still be made that does not know of it. */
const ALLOWANCE_MILLISECONDS = 1_000;

/**
 * Who has held which address when, and what follows for every list at any moment, whatever is out of work: an address that nobody
 * entitled has ever held is in no list; and one that was taken out because of its end does not come back by the instance that has
 * ended. That it goes at once cannot be asked: while something is out of work nobody knows of the end.
 */
export class AccessLedger {
  readonly #holdings = new Map<string, Holding[]>();
  readonly #sightings = new Map<string, Map<string, Sighting>>();
  /** What was against it. */
  readonly violations: string[] = [];

  /** It is there, and is about to be told. */
  began({ project, addresses }: ToldInstance): void {
    for (const address of addresses) {
      const holdings = this.#holdings.get(address) ?? [];
      this.#holdings.set(address, holdings);
      holdings.push({ project, from: performance.now(), until: Number.POSITIVE_INFINITY });
    }
  }

  /** It is not there any more, and that is about to be told. */
  ended({ addresses }: ToldInstance): void {
    for (const address of addresses) {
      const holding = this.#holdings.get(address)?.at(-1);
      if (holding) holding.until = performance.now();
    }
  }

  /**
   * Looks at a filesystem's list.
   * @param project whose instances are entitled; null: all are
   * @param now from before it was read
   */
  seen(filesystem: string, project: string | null, list: readonly string[], now: number): void {
    const there = new Set(list);
    const sightings = this.#sightings.get(filesystem) ?? new Map<string, Sighting>();
    this.#sightings.set(filesystem, sightings);
    for (const [address, sighting] of sightings) if (!there.has(address)) this.#leave(address, project, sighting);
    for (const address of there) {
      const sighting = sightings.get(address) ?? { isThere: false, since: now, withdrawn: null };
      sightings.set(address, sighting);
      if (sighting.isThere) continue;
      sighting.isThere = true;
      sighting.since = now;
      const wrong = this.#wrong(address, project, sighting, now);
      if (wrong) this.violations.push(`${filesystem}: ${address} ${wrong}`);
    }
  }

  #leave(address: string, project: string | null, sighting: Sighting): void {
    if (!sighting.isThere) return;
    sighting.isThere = false;
    const holding = this.#newest(address, project);
    // it came with this holding, not with an earlier one
    if (holding && sighting.since > holding.from) sighting.withdrawn = holding;
  }

  #wrong(address: string, project: string | null, { withdrawn }: Sighting, now: number): string | null {
    const holding = this.#newest(address, project);
    if (!holding) return 'is let in, and nobody entitled has ever held it';
    if (holding !== withdrawn || now < holding.until + ALLOWANCE_MILLISECONDS) return null;
    return `is let in again, ${Math.round(now - holding.until)} ms after its end was told`;
  }

  #newest(address: string, project: string | null): Holding | undefined {
    return this.#holdings.get(address)?.findLast((each) => project === null || each.project === project);
  }
}
