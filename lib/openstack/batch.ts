import type { DeadLetter } from './dead-letter';
import type { Observed, Taken } from './delivery';

/** How many observations one transaction stores at most. */
export const MOST_OBSERVATIONS = 500;

/** How long the first of a batch waits for others while the bus is busy. */
const GATHERING_MILLISECONDS = 5;

/** Messages that came one after the other, and are acknowledged together. */
export interface Batch<Token> {
  /** In the order in which they came. */
  readonly observed: readonly Observed[];
  readonly letters: readonly DeadLetter[];
  /** The last of the messages: acknowledging it acknowledges all before it. */
  readonly upTo: Token;
}

interface OpenBatch<Token> extends Batch<Token> {
  readonly observed: Observed[];
  readonly letters: DeadLetter[];
  upTo: Token;
  readonly since: number;
}

/** What has come and waits for being stored. Of messages of no interest nothing is kept but the last's token. */
export class Batches<Token> {
  readonly #batches: OpenBatch<Token>[] = [];

  /** @param now milliseconds of a clock that is never set back */
  add({ observed, letter }: Taken, token: Token, now: number): void {
    let batch = this.#batches.at(-1);
    if (!batch || batch.observed.length >= MOST_OBSERVATIONS) {
      batch = { observed: [], letters: [], upTo: token, since: now };
      this.#batches.push(batch);
    }
    if (observed) batch.observed.push(observed);
    if (letter) batch.letters.push(letter);
    batch.upTo = token;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** How long the oldest batch may still wait for more, milliseconds; 0: no longer. */
  gatheringTime(now: number): number {
    const [oldest, ...more] = this.#batches;
    if (!oldest || more.length > 0 || oldest.observed.length >= MOST_OBSERVATIONS) return 0;
    return Math.max(0, oldest.since + GATHERING_MILLISECONDS - now);
  }

  /** The oldest batch, which gets no more; null when nothing waits. */
  take(): Batch<Token> | null {
    return this.#batches.shift() ?? null;
  }
}
